"""Structured output by `response_format`, for servers that hold the answer's text to a schema."""

from __future__ import annotations

from operator import itemgetter
from typing import Any, Literal

from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.output_parsers import JsonOutputParser, PydanticOutputParser
from langchain_core.output_parsers.base import BaseOutputParser
from langchain_core.runnables import Runnable, RunnableMap, RunnablePassthrough
from langchain_core.utils.function_calling import convert_to_openai_tool
from langchain_core.utils.pydantic import is_basemodel_subclass

Method = Literal["function_calling", "json_schema", "json_mode"]


def by_response_format(
    model: BaseChatModel,
    schema: dict[str, Any] | type,
    *,
    method: Method,
    strict: bool | None,
    include_raw: bool,
) -> Runnable[LanguageModelInput, Any]:
    """Bind a response format to `model` and parse what it says.

    "json_schema" sends the schema; "json_mode" asks for any JSON, so the prompt must describe it.
    """
    if method == "json_mode":
        asked: dict[str, Any] = {"type": "json_object"}
    else:
        function = convert_to_openai_tool(schema, strict=strict)["function"]
        named = {"name": function["name"], "schema": function["parameters"]}
        strictly = {} if strict is None else {"strict": strict}
        asked = {"type": "json_schema", "json_schema": {**named, **strictly}}
    bound = model.bind(
        response_format=asked,
        ls_structured_output_format={"kwargs": {"method": method}, "schema": schema},
    )
    parser: BaseOutputParser[Any] = JsonOutputParser()
    if isinstance(schema, type) and is_basemodel_subclass(schema):
        parser = PydanticOutputParser(pydantic_object=schema)
    if not include_raw:
        return bound | parser
    parsed = RunnablePassthrough.assign(
        parsed=itemgetter("raw") | parser, parsing_error=lambda _: None
    )
    unparsed = RunnablePassthrough.assign(parsed=lambda _: None)
    return RunnableMap(raw=bound) | parsed.with_fallbacks([unparsed], exception_key="parsing_error")
