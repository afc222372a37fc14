from study.short_names import short_name, short_names


def test_own_code_is_called_by_its_file_and_name() -> None:
    assert short_name("/where/it lies/mine.py:Sophia@0123456789abcdef") == "mine.py:Sophia"
    assert short_name("package.rules:Sophia@0123456789abcdef") == "package.rules:Sophia"
    assert short_name("adam") == "adam"
    assert short_name("keras:ResNet50") == "keras:ResNet50"


def test_where_two_would_be_called_the_same_each_has_its_whole_name() -> None:
    one, other = "/a/mine.py:A@0123456789abcdef", "/a/mine.py:A@fedcba9876543210"
    assert short_names({one, other, "adam"}) == {one: one, other: other, "adam": "adam"}
    assert short_names({one, "adam"}) == {one: "mine.py:A", "adam": "adam"}
