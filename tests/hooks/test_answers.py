import pytest

from slipstream.hooks.answers import MAX_KEPT, MAX_KEPT_S, Answer, Answers, max_age_s


def test_an_answer_that_says_nothing_is_not_kept() -> None:
    answers: Answers[str] = Answers()
    answers.keep("a", Answer(allows=True), 0)
    assert answers.find("a", 0) is None


def test_an_answer_holds_for_as_long_as_it_says() -> None:
    answers: Answers[str] = Answers()
    answer = Answer(allows=False, max_age_s=10)
    answers.keep("a", answer, 100)
    assert answers.find("a", 109.9) is answer
    assert answers.find("b", 100) is None
    assert answers.find("a", 110) is None


def test_no_answer_is_never_kept_and_none_for_ever() -> None:
    answers: Answers[str] = Answers()
    answers.keep("a", Answer(None, max_age_s=10), 0)
    assert answers.find("a", 0) is None
    answers.keep("a", Answer(allows=True, max_age_s=1e9), 0)
    assert answers.find("a", MAX_KEPT_S) is None


def test_of_too_many_the_oldest_are_forgotten() -> None:
    answers: Answers[int] = Answers()
    for number in range(MAX_KEPT + 1):
        answers.keep(number, Answer(allows=True, max_age_s=60), 0)
    assert answers.find(0, 1) is None
    assert answers.find(1, 1) is not None
    assert answers.find(MAX_KEPT, 1) is not None


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("", 0),
        ("max-age=60", 60),
        ("private, Max-Age=5", 5),
        ('max-age="7"', 7),
        ("s-maxage=60", 0),
        ("max-age=60, no-store", 0),
        ("no-cache", 0),
        ("max-age=-1", 0),
    ],
)
def test_the_header_says_how_long(header: str, seconds: float) -> None:
    assert max_age_s(header) == seconds
