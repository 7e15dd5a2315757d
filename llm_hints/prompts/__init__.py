"""What a language model is asked, in English: the hint in three styles, and the five kinds of question.

``hint_messages`` and ``question`` make the chat; ``json_schema`` is the form of the hint for constrained decoding.
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
from llm_hints.prompts.schema import json_schema

__all__ = [
    "PROMPT_VERSION",
    "Anchor",
    "Messages",
    "Question",
    "QuestionKind",
    "Style",
    "chat_text",
    "hint_messages",
    "json_schema",
    "question",
    "read_codes",
    "scene_text",
]
