"""The openai provider against a stub endpoint: right answers, every fault, the deadline, the key."""

from __future__ import annotations

import json
import logging
import re
import threading
import time
from collections.abc import Callable
from itertools import count
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from envs.scene import ActorRow, SceneBatch
from llm_hints.facts import scene_facts
from llm_hints.hint import Hint
from llm_hints.prompts import hint_messages, json_schema
from llm_hints.providers.base import HintAnswers, HintProvider, HintProviderError, QuestionAnswerer
from llm_hints.providers.chat_endpoint import Endpoint, ExchangeError, chat_text
from llm_hints.providers.openai_http import OpenAiConfig, OpenAiProvider
from llm_hints.reference import KINDS, NO_ANSWER
from llm_hints.service import HintService
from llm_hints.service_config import HintServiceConfig
from tests.envs.builders import make_actor, make_scene
from tests.llm_hints.providers.chat_stub import Behaviour, Handler, Stub, break_off, silent, stub, trickle
from tests.ports import free_port

KEY = "sk-secret-0123456789"
WORLDS = make_scene(6, [make_actor(20, 0, actor_id=7)])


def answer(safety: float = 0.7, kind: str = "Car", actor_id: int = 7) -> str:
    return json.dumps(
        {
            "road_category": "Urban Road",
            "traffic_density": "Low",
            "critical_entities": [{"id": actor_id, "type": kind, "direction": "Front"}],
            "weights": {"safety": safety, "comfort": 0.1, "efficiency": round(0.9 - safety, 2)},
        }
    )


GOOD = answer()


def well(handler: Handler, body: dict[str, Any]) -> None:
    handler.say(GOOD)


def say(content: str | None, finish: str = "stop") -> Behaviour:
    return lambda handler, body: handler.say(content, finish)


def status(code: int, answer: Any = None, **headers: str) -> Behaviour:
    error = {"error": {"message": f"no, {code}"}} if answer is None else answer
    return lambda handler, body: handler.json(code, error, **headers)


def provider(server: Stub | str, **settings: Any) -> OpenAiProvider:
    base_url = server if isinstance(server, str) else server.base_url
    return OpenAiProvider(OpenAiConfig(**{"base_url": base_url, "retries": 0, "deadline_s": 10.0, **settings}))


def ask(asked: HintProvider, worlds: SceneBatch = WORLDS) -> HintAnswers:
    return asked.ask(worlds, np.arange(worlds.batch_size))


def failure(asked: OpenAiProvider, worlds: SceneBatch = WORLDS) -> str:
    with pytest.raises(HintProviderError) as caught:
        ask(asked, worlds)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_it_is_a_provider() -> None:
    assert isinstance(provider("http://127.0.0.1:1/v1"), HintProvider)


def test_answers_become_hints_and_the_request_is_the_prompt() -> None:
    with stub(well) as server:
        answers = ask(provider(server, model="small", style="concise", temperature=0.5, max_tokens=99))
    assert answers.valid.all() and not answers.latency_s.any() and answers.texts == (GOOD,) * 6
    np.testing.assert_allclose(answers.hints.weights, [[0.7, 0.2, 0.1]] * 6)
    facts = scene_facts(WORLDS, np.arange(1))
    assert server.bodies[0] == {
        "model": "small",
        "messages": hint_messages(facts, 0, "concise"),
        "temperature": 0.5,
        "max_tokens": 99,
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "answer", "strict": True, "schema": json_schema()},
        },
    }
    assert server.paths == ["/v1/chat/completions"] * 6


def test_each_world_gets_its_own_answer_and_the_most_urgent_is_asked_first() -> None:
    worlds = make_scene(9, [make_actor(30, 0, actor_id=7)])
    worlds.ego.speed[:] = [2, 9, 4, 8, 6, 5, 7, 3, 0]
    worlds.actors.block[ActorRow.VALID, 0] = 0

    def by_speed(handler: Handler, body: dict[str, Any]) -> None:
        told = re.search(r"You drive (\d)", body["messages"][1]["content"])
        speed = int(told[1]) if told else 0
        time.sleep(0.01 * (speed % 3))  # so that they come back in another order
        handler.say(answer(safety=speed / 10))

    with stub(by_speed) as server:
        answers = ask(provider(server, parallel=3, model="m", check_scene=False), worlds)
    np.testing.assert_allclose(answers.hints.weights[:, 0], worlds.ego.speed / 10)
    told = [body["messages"][1]["content"] for body in server.bodies]
    assert "You drive 9.0" in told[0] and sum("nobody and nothing" in text for text in told[-3:]) == 1


def test_extra_fields_are_sent_and_null_leaves_one_out() -> None:
    with stub(well) as server:
        ask(provider(server, model="m", extra={"max_tokens": None, "max_completion_tokens": 50, "seed": 3}))
    assert server.bodies[0]["max_completion_tokens"] == 50 and server.bodies[0]["seed"] == 3
    assert "max_tokens" not in server.bodies[0]


def test_the_schema_may_hold_the_scene_s_ids() -> None:
    with stub(well) as server:
        ask(provider(server, model="m", scene_ids=True))
    entities = server.bodies[0]["response_format"]["json_schema"]["schema"]["properties"]["critical_entities"]
    assert entities["items"]["properties"]["id"]["enum"] == [7]


def test_anchors_reach_the_prompt() -> None:
    class Passage:
        title, text, source = "Gap", "Keep two seconds.", "a code"

    with stub(well) as server:
        config = OpenAiConfig(base_url=server.base_url, model="m")
        ask(OpenAiProvider(config, lambda facts: [[Passage()]] * len(facts)))
    assert all("[1] Gap (a code): Keep two seconds." in body["messages"][1]["content"] for body in server.bodies)


def test_the_only_model_of_an_endpoint_need_not_be_named() -> None:
    with stub(well) as server:
        assert ask(provider(server)).valid.all()
        assert {body.get("model", "asked") for body in server.bodies} == {"asked", "stub"}
        server.models = ["b", "a"]
        assert "name a model of" in (told := failure(provider(server))) and "it lists a, b" in told
        server.models = []
        assert "it lists none" in failure(provider(server))


def test_the_five_kinds_of_question_are_answered_from_their_sets() -> None:
    """The last of the allowed answers each time; a row without an allowed one has none."""

    def last_allowed(handler: Handler, body: dict[str, Any]) -> None:
        words = body["response_format"]["json_schema"]["schema"]["properties"]["answer"]["enum"]
        stands = "You stand still" in body["messages"][1]["content"]
        handler.say(json.dumps({"answer": "?" if stands else words[-1]}))

    worlds = make_scene(2, [make_actor(20, 0, actor_id=7)])
    worlds.ego.speed[:] = [8.0, 0.0]
    with stub(last_allowed) as server:
        asked = provider(server, model="m")
        answers = asked.answer(worlds, np.arange(2))
    assert isinstance(asked, QuestionAnswerer) and list(answers) == list(KINDS)
    codes = [found.codes.tolist() for found in answers.values()]
    assert codes == [[0, NO_ANSWER], [2, NO_ANSWER], [6, NO_ANSWER], [3, NO_ANSWER], [2, NO_ANSWER]]
    assert all(np.isnan(found.confidence).all() for found in answers.values())
    assert asked.faults == {"malformed": 5} and len(server.bodies) == 10


# The form that an endpoint can enforce.


def understands(*modes: str, refusal: int = 400) -> Behaviour:
    def behave(handler: Handler, body: dict[str, Any]) -> None:
        mode = body.get("response_format", {"type": "plain"})["type"]
        if mode in modes:
            handler.say(GOOD)
        else:
            handler.json(refusal, {"error": {"message": f"response_format {mode} is unknown"}})

    return behave


@pytest.mark.parametrize(
    ("modes", "refusal", "tried"),
    [
        (("json_schema", "json_object", "plain"), 400, ["json_schema"]),
        (("json_object", "plain"), 400, ["json_schema", "json_object"]),
        (("plain",), 422, ["json_schema", "json_object", "plain"]),
        (("plain",), 500, ["json_schema", "json_object", "plain"]),
    ],
)
def test_the_strictest_form_that_is_taken_is_found_once(modes: tuple[str, ...], refusal: int, tried: list[str]) -> None:
    with stub(understands(*modes, refusal=refusal)) as server:
        asked = provider(server, model="m")
        assert ask(asked).valid.all() and ask(asked).valid.all()
    sent = [body.get("response_format", {"type": "plain"})["type"] for body in server.bodies]
    assert sent == tried + tried[-1:] * 11 and asked.client.schema_mode == tried[-1]
    assert asked.faults == {}


def test_what_refuses_every_form_is_asked_anew_later() -> None:
    with stub(status(400)) as server:
        asked = provider(server, model="m", pause_s=0.0)
        assert "refused, HTTP 400 no, 400" in failure(asked)
        assert asked.client.schema_mode is None
        server.behave = well
        assert ask(asked).valid.all() and asked.client.schema_mode == "json_schema"


def test_a_chosen_form_is_not_probed() -> None:
    with stub(understands("json_object")) as server:
        assert ask(provider(server, model="m", schema="json_object")).valid.all()
        failure(provider(server, model="m", schema="plain"))
    assert len(server.bodies) == 12


# What can go wrong.


@pytest.mark.parametrize(
    ("behave", "kind", "told"),
    [
        (
            status(401, {"error": {"message": f"bad key {KEY}"}}),
            "unauthorised",
            "HTTP 401: name a key with api_key_env",
        ),
        (status(403), "unauthorised", "HTTP 403"),
        (status(404, {"error": {"message": "no model x"}}), "not_found", "HTTP 404 no model x (is the model's name"),
        (status(404, {"detail": "Not Found"}), "not_found", "HTTP 404 Not Found"),
        (status(422, [1]), "refused", "HTTP 422 [1]"),
        (status(429), "overloaded", "no, 429"),
        (status(500), "server_error", "no, 500"),
        (status(503), "overloaded", "no, 503"),
        (status(301, Location="/elsewhere"), "redirected", "HTTP 301: redirections are not followed"),
        (
            lambda handler, body: handler.text(200, "<html>\n<p>Log in"),
            "not_json",
            "no JSON came but '<html> <p>Log in'",
        ),
        (lambda handler, body: handler.text(502, "<html>Bad gateway"), "overloaded", "HTTP 502 <html>Bad gateway"),
        (lambda handler, body: handler.text(200, ""), "not_json", "no JSON came but ''"),
        (lambda handler, body: handler.text(200, '{"choices": [{"mess'), "not_json", "no JSON came"),
        (lambda handler, body: handler.text(200, "[" * 100_000), "not_json", "no JSON came"),
        (lambda handler, body: handler.text(200, "\xff\xfe"), "not_json", "no JSON came"),
        (lambda handler, body: handler.json(200, []), "not_json", "a JSON list came"),
        (lambda handler, body: handler.json(200, {"choices": []}), "no_choice", "without choices"),
        (lambda handler, body: handler.json(200, {"choices": [3]}), "no_choice", "without choices"),
        (lambda handler, body: handler.json(200, {}), "no_choice", "without choices"),
        (lambda handler, body: handler.json(200, {"error": "out of memory"}), "refused", "HTTP 200 out of memory"),
        (lambda handler, body: handler.json(200, {"choices": [{}]}), "no_text", "without text"),
        (say(None), "no_text", "finish_reason 'stop'"),
        (say("  ", "length"), "no_text", "finish_reason 'length'"),
        (break_off, "dropped", "broke off"),
    ],
)
def test_what_brings_no_answer_is_missing_counted_and_told_once(
    behave: Behaviour, kind: str, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Where nobody is answered the error says it; where some are, one line of the log."""
    with stub(well) as server:
        asked = provider(server, model="m", pause_s=0.0, schema="plain", parallel=1)
        ask(asked)
        server.behave = behave
        assert f"none of 6 questions was answered: {kind}, " in (message := failure(asked)) and told in message
        turn = count()
        server.behave = lambda handler, body: (well if next(turn) < 3 else behave)(handler, body)
        assert not caplog.records
        answers = [ask(asked)]
        turn = count()
        answers.append(ask(asked))
    assert asked.faults == {kind: 12}
    assert all(np.isinf(some.latency_s).sum() == 3 and some.valid.sum() == 3 for some in answers)
    assert [record.levelno for record in caplog.records] == [logging.WARNING] and told in caplog.text


@pytest.mark.parametrize(
    ("text", "finish", "kind"),
    [
        ("I cannot help with that.", "stop", "malformed"),
        (GOOD[:60], "length", "truncated"),
        (GOOD[:60], "stop", "malformed"),
        (GOOD.replace("weights", "wieghts"), "stop", "malformed"),
        (answer(safety=1.7), "stop", "malformed"),
        (answer(kind="Truck"), "stop", "ungrounded"),
        (answer(actor_id=8), "stop", "ungrounded"),
    ],
)
def test_what_is_no_hint_of_the_scene_is_invalid(text: str, finish: str, kind: str) -> None:
    with stub(say(text, finish)) as server:
        asked = provider(server, model="m")
        answers = ask(asked)
    assert not answers.valid.any() and np.isfinite(answers.latency_s).all() and answers.texts == (text,) * 6
    assert asked.faults == {kind: 6}
    assert not answers.hints.state.any()


def test_a_whole_answer_at_the_limit_of_tokens_is_an_answer() -> None:
    with stub(say(GOOD, "length")) as server:
        assert ask(provider(server)).valid.all()


def test_the_scene_s_check_can_be_left_out() -> None:
    with stub(say(answer(kind="Truck"))) as server:
        assert ask(provider(server, check_scene=False)).valid.all()


def test_some_may_fail_and_the_others_stand() -> None:
    """Each behaviour in turn; the deadline is for what hangs."""
    ways = iter([well, say("?"), status(500), say(None), well, well])
    lock = threading.Lock()

    def behave(handler: Handler, body: dict[str, Any]) -> None:
        with lock:
            way = next(ways)
        way(handler, body)

    with stub(behave) as server:
        asked = provider(server, model="m", parallel=1)
        answers = ask(asked)
    assert answers.valid.tolist() == [True, False, False, False, True, True]
    assert np.isinf(answers.latency_s).tolist() == [False, False, True, True, False, False]
    assert asked.faults == {"malformed": 1, "no_text": 1, "server_error": 1}


def test_an_endpoint_that_is_down_is_told_from_once_and_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    asked = provider(f"http://127.0.0.1:{free_port()}/v1", model="m", pause_s=30.0)
    assert "cannot reach http://127.0.0.1" in failure(asked)
    assert "is left alone for" in failure(asked)
    assert asked.faults == {"connection": 6, "paused": 6}
    service = HintService(provider(asked.config.base_url, model="m", pause_s=30.0), batch_size=6)
    service.reset(None, WORLDS.copy())
    later = WORLDS.copy()
    for second in range(1, 5):
        later.time_s[:] = second
        service.poll(later)
    assert service.counters.missing == 30
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 2 and "cannot reach" in told[0] and "left alone" in told[1]


def test_a_pause_grows_and_ends_with_the_first_answer() -> None:
    with stub(status(500)) as server:
        asked = provider(server, model="m", pause_s=0.05, schema="plain")
        for pause in (0.05, 0.1):
            failure(asked)
            assert "left alone" in failure(asked)
            time.sleep(pause + 0.01)
        server.behave = well
        assert "left alone" not in str(ask(asked).valid.all())
        server.behave = status(500)
        failure(asked)
        time.sleep(0.06)
        assert "none of 6" in failure(asked)


@pytest.mark.parametrize("behave", [silent, trickle])
def test_what_hangs_is_given_up_at_the_deadline(behave: Behaviour) -> None:
    """The first two answer, the others hang; no thread is left waiting."""
    left = [2]
    lock = threading.Lock()

    def mostly(handler: Handler, body: dict[str, Any]) -> None:
        with lock:
            left[0] -= 1
            first = left[0] >= 0
        (well if first else behave)(handler, body)

    with stub(mostly) as server:
        asked = provider(server, model="m", deadline_s=0.4, parallel=2)
        answers = ask(asked)
        assert answers.valid.sum() == 2 and np.isinf(answers.latency_s).sum() == 4
        assert asked.faults == {"deadline": 4}
        for thread in threading.enumerate():
            if thread.name.startswith("chat-"):
                thread.join(5.0)
                assert not thread.is_alive()


@pytest.mark.parametrize("behave", [silent, trickle])
def test_a_list_of_models_that_does_not_end_is_given_up_at_the_deadline(behave: Behaviour) -> None:
    with stub(well) as server:
        server.behave_listing = behave
        begun = time.monotonic()
        asked = provider(server, deadline_s=0.3)
        failure(asked)
        assert asked.faults == {"deadline": 6} and time.monotonic() - begun < 10.0


def test_retries_are_bounded_and_only_for_what_may_pass() -> None:
    with stub(status(503)) as server:
        asked = provider(server, model="m", retries=2, parallel=6, schema="plain")
        failure(asked)
        assert len(server.bodies) == 18
    with stub(status(400)) as server:
        failure(provider(server, model="m", retries=2, schema="plain"))
        assert len(server.bodies) == 6


def test_what_passes_is_answered_by_a_retry() -> None:
    seen: set[str] = set()

    def at_second(handler: Handler, body: dict[str, Any]) -> None:
        handler.say(GOOD) if seen else handler.json(429, {}, Retry_After="0")
        seen.add("asked")

    with stub(at_second) as server:
        asked = provider(server, model="m", retries=1, parallel=1)
        assert ask(asked).valid.all() and asked.faults == {} and len(server.bodies) == 7


def test_no_retry_waits_beyond_the_deadline() -> None:
    with stub(status(429, Retry_After="3600")) as server:
        failure(provider(server, model="m", retries=5))
        assert len(server.bodies) == 1


def test_what_is_wrong_with_the_endpoint_itself_is_not_asked_of_every_world() -> None:
    with stub(status(401)) as server:
        failure(provider(server, model="m", parallel=1, schema="plain"))
        assert len(server.bodies) == 1


def test_measured_latency_is_the_wall_time_of_each_answer() -> None:
    def slowly(handler: Handler, body: dict[str, Any]) -> None:
        time.sleep(0.05)
        handler.say(GOOD)

    with stub(slowly) as server:
        latency = ask(provider(server, model="m", latency="measured", parallel=1)).latency_s
    assert (latency >= 0.05).all() and latency.max() >= 0.25  # six, one after the other


@given(
    st.sampled_from([200, 200, 200, 400, 404, 429, 500]),
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=9),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["choices", "message", "content", "error", "detail"]), inner, max_size=3)
        ),
    ).map(json.dumps)
    | st.text(max_size=30),
)
def test_whatever_comes_back_is_text_or_the_named_error(code: int, body: str) -> None:
    try:
        text, _ = chat_text(Endpoint("http://127.0.0.1:1/v1").judged(code, "reason", "soon", body))
    except ExchangeError as error:
        assert "\n" not in str(error) and len(error.detail) < 400
        return
    assert text.strip()


def test_halves_of_characters_are_replaced() -> None:
    assert chat_text({"choices": [{"message": {"content": "a\ud800b"}}]}) == ("a?b", False)


# In the service.


def test_a_service_goes_on_whatever_the_endpoint_does() -> None:
    ways: list[Behaviour] = [well, status(500), say("rubbish"), break_off, lambda h, b: h.text(200, "<html>"), well]
    with stub(well) as server:
        service = HintService(
            provider(server, model="m", pause_s=0.0), HintServiceConfig(cache=False, decay_s=0.1), batch_size=6
        )
        worlds = WORLDS.copy()
        service.reset(None, worlds)
        sources = []
        for second, way in enumerate(ways, start=1):
            server.behave = way
            worlds.time_s[:] = second
            sources.append(int(service.poll(worlds).source[0]))
            assert service.hints.weights.sum(axis=1) == pytest.approx(np.ones(6))
    counters = service.counters
    assert counters.answered == 18 and counters.missing == 18 and counters.invalid == 6
    assert sources[0] == sources[-1] == 1


def test_realtime_never_waits() -> None:
    """The stub says nothing for 20 s, unless the test ends first: a poll that waited would see its question fail."""
    with stub(silent) as server:
        service = HintService(provider(server, model="m", deadline_s=60.0), HintServiceConfig(mode="realtime"), 6)
        service.reset(None, WORLDS.copy())
        for _ in range(20):
            service.poll(WORLDS)
        assert service.counters.asked == 6 and service.counters.missing == 0
        server.ended.set()
        service.close()


# The key.


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("HINT_KEY", KEY)
    return "HINT_KEY"


def echo(code: int) -> Callable[[Handler, dict[str, Any]], None]:
    """Answer with all that the request's headers hold, as text of a completion or as the message of an error."""

    def behave(handler: Handler, body: dict[str, Any]) -> None:
        told = " ".join(f"{name}: {value}" for name, value in handler.headers.items())
        handler.say(told) if code == 200 else handler.json(code, {"error": {"message": told}})

    return behave


@pytest.mark.parametrize("code", [200, 400, 401, 404, 429, 500])
def test_the_key_is_sent_and_never_seen_again(code: int, key: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    turn = count()
    with stub(lambda handler, body: (echo(code) if next(turn) else well)(handler, body)) as server:
        asked = provider(server, model="m", api_key_env=key, pause_s=0.0, parallel=1)
        records = repr(ask(asked))
        try:
            records += repr(ask(asked))
        except HintProviderError as error:
            records += f"{error!r} {error.__cause__!r} {error.__context__!r}"
        assert all(headers["Authorization"] == f"Bearer {KEY}" for headers in server.headers)
    seen = [records, caplog.text, repr(asked), repr(asked.config), repr(asked.state()), repr(asked.faults)]
    assert not any(KEY in text or KEY[3:] in text for text in seen)
    assert caplog.text


def test_a_redirection_does_not_carry_the_key_away(key: str) -> None:
    with stub(well) as other, stub(well) as server:
        server.behave = status(307, Location=f"{other.base_url}/chat/completions")
        failure(provider(server, model="m", api_key_env=key))
        assert not other.headers


def test_no_key_is_sent_where_none_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with stub(well) as server:
        ask(provider(server))
    assert not any("Authorization" in headers for headers in server.headers)


def test_a_key_in_the_wrong_place_is_refused_without_being_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORN_KEY", f"{KEY}\nX-More: 1")
    for settings, why in (
        ({"api_key_env": KEY}, "never the key itself"),
        ({"api_key_env": "gsk_0123456789"}, "never the key itself"),
        ({"base_url": f"https://user:{KEY}@host/v1"}, "no user, password"),
        ({"base_url": f"https://host/v1?key={KEY}"}, "no user, password"),
        ({"base_url": f"host:{KEY}"}, "base_url must be"),
        ({"api_key_env": "NOT_SET_ANYWHERE"}, "NOT_SET_ANYWHERE .* is not set"),
        ({"api_key_env": "TORN_KEY"}, "characters that no key has"),
    ):
        with pytest.raises(ValueError, match=why) as caught:
            OpenAiProvider(OpenAiConfig(**settings))  # type: ignore[arg-type]
        assert KEY not in str(caught.value) and "gsk" not in str(caught.value)


@pytest.mark.parametrize(
    "wrong",
    [
        {"base_url": "127.0.0.1:8000"}, {"base_url": "ftp://x/v1"}, {"base_url": "http://x:99999/v1"},
        {"deadline_s": 0}, {"retries": -1}, {"parallel": 0}, {"max_tokens": 0}, {"temperature": -0.1},
        {"style": "brief"}, {"schema": "xml"}, {"latency": "none"}, {"pause_s": -1},
    ],
)  # fmt: skip
def test_settings_that_ask_nothing_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="came|must be"):
        OpenAiConfig(**wrong)


def test_hints_in_words_have_what_the_model_said() -> None:
    with stub(well) as server:
        hint: Hint = ask(provider(server)).hints.hint(0)
    assert hint.text() == "Urban Road, low density; Car Front; safety 0.70, efficiency 0.20, comfort 0.10"
