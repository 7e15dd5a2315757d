"""What a language model is asked, in English: the hint in three styles, and the five kinds of question.

``hint_messages`` and ``question`` make the chat; ``json_schema`` is the form of the hint for constrained decoding, and
``held_schema`` that of nothing but valid hints about a scene.
"""

from llm_hints.prompts.messages import (
    PROMPT_VERSION,
    Anchor,
    Messages,
    Style,
    chat_text,
    hint_messages,
)
from llm_hints.prompts.questions import Question, QuestionKind, question, read_codes
from llm_hints.prompts.scene_text import scene_text
from llm_hints.prompts.schema import held_schema, json_schema, on_one_line

__all__ = [
    "PROMPT_VERSION",
    "Anchor",
    "Messages",
    "Question",
    "QuestionKind",
    "Style",
    "chat_text",
    "held_schema",
    "hint_messages",
    "json_schema",
    "on_one_line",
    "question",
    "read_codes",
    "scene_text",
]
