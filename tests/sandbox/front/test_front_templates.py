"""Mapping templates, without anything running: what is evaluated, and what is refused by name."""

import pytest

from sandbox.front.templates import Values, refused_part, render

VALUES = Values(
    context={"connectionId": "abc=", "identity.sourceIp": "127.0.0.1", "authorizer.my-key": "k", "connectedAt": 5},
    variables={"colour": "blue"},
    body='{"a": {"b": "x"}, "list": [1, {"c": "ü"}], "yes": true, "no": null}',
)


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ('{"id": "$context.connectionId"}', '{"id": "abc="}'),
        ("${context.identity.sourceIp}:$context.connectedAt", "127.0.0.1:5"),
        ("$!context.connectedAt$!{context.stage}", "5"),
        ("$context.authorizer.my-key-$context.connectedAt", "k-5"),
        ("$context.nothing.", "."),
        ("$stageVariables.colour/${stageVariables['colour']}/$stageVariables.shape", "blue/blue/"),
        ("$input.json('$.a.b')", '"x"'),
        ('$input.json("$.a")', '{"b":"x"}'),
        ("$input.json('$.list[1].c')", '"ü"'),
        ("$input.json('$.missing'), $input.json('$.no')", '"", null'),
        ("$input.path('$.a.b') $input.path('$.yes') $input.path('$.list[0]')", "x true 1"),
        ("$input.path('$.a')", "{b=x}"),
        ("$input.path('$.list')", '[1,{"c":"ü"}]'),
        ("[$input.path('$.missing')$input.path('$.no')]", "[]"),
        ("$input.body.", VALUES.body + "."),
        ("costs $5, $ and # and $price, issue #abc, #7", "costs $5, $ and # and $price, issue #abc, #7"),
        ("\\$context.connectedAt", "$context.connectedAt"),
        ("a ## to the end\nb #* between\nlines *# c", "a b  c"),
    ],
)
def test_references_are_replaced(template: str, text: str) -> None:
    """Context, stage variables and payload; a reference that finds nothing is empty, all else is text."""
    assert refused_part(template) is None
    assert render(template, VALUES) == text


@pytest.mark.parametrize("body", ["", "not json"])
def test_payload_that_is_no_json_has_no_members(body: str) -> None:
    """An empty payload is an empty object; one that is not JSON can be named as a whole only."""
    values = Values({}, {}, body)
    assert render("$input.json('$.a')$input.path('$.a')", values) == '""'
    assert render("$input.body", values) == (body or "{}")


@pytest.mark.parametrize(
    ("template", "refused"),
    [
        ("#set($x = 1)", "#set"),
        ("#if($x)a#end", "#if"),
        ("a #{else} b", "#{else}"),
        ("#foreach ($x in $y)", "#foreach"),
        ("a#elseif(1)", "#elseif"),
        ("#include('x')", "#include"),
        ("#parse('x')", "#parse"),
        ("#stop", "#stop"),
        ("#macro(x)", "#macro"),
        ("#evaluate('x')", "#evaluate"),
        ("#define($x)", "#define"),
        ("#break", "#break"),
        ("#end", "#end"),
        ("$util.base64Encode('x')", "$util.base64Encode('x')"),
        ("$input.params('x')", "$input.params('x')"),
        ("$input.path('$.list').size()", "$input.path('$.list').size()"),
        ("$input.path('$.list')[0]", "$input.path('$.list')[0]"),
        ("$input.json('$..a')", "$input.json('$..a')"),
        ("$input.json($x)", "$input.json($x)"),
        ("$context.connectionId.length()", "$context.connectionId.length()"),
        ("a $context b", "$context"),
        ("${util.urlEncode($context.stage)}", "${util.urlEncode($context.stage)}"),
    ],
)
def test_what_is_not_evaluated_is_found(template: str, refused: str) -> None:
    """Directives, methods, and paths of more than names and indices."""
    assert refused_part(f"text {template} text") == refused


def test_comments_hide_directives() -> None:
    """What is behind ## is no part of the template."""
    assert refused_part("a ## #set($x = 1)\nb") is None
