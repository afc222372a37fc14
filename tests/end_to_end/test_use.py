"""The README's walk from an answer to a model in use, as it is written, and its pages in a browser.

Only the comparison is a smaller one, and the port of the server one that is free.
"""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.support.preloaded import Preloaded
from tests.support.running import ROOT, Ended, Running, free_port

pytestmark = [pytest.mark.end_to_end, pytest.mark.slow, pytest.mark.timeout(600)]

WALK = (ROOT / "README.md").read_text().split("\n## From the answer to a model in use\n")[1].split("\n## ")[0]
STEPS = re.findall(r'^    make (\w+) ARGS=("[^"]*"|\S+)', WALK, re.MULTILINE)
(REQUEST,) = re.findall(r"^    (printf .*\|\n .*)$", WALK, re.MULTILINE)
SMALLER = ("--optimizers", "momentum", "--grid-size", "1", "--seeds", "1", "--looks", "3", "--epochs", "4")


@dataclass(frozen=True)
class Compared:
    """A comparison on the digits, and 20 pictures of them in folders by class."""

    study: str
    directory: Path
    environment: dict[str, str]

    def command(self, name: str) -> list[str]:
        """Return a step of the walk as arguments of Python."""
        (words,) = [shlex.split(arguments.strip('"')) for step, arguments in STEPS if step == name]
        meant = {"STUDY": self.study, "PICTURES": "pictures"}
        return ["-m", "flows", name, *(meant.get(word, word) for word in words)]

    def done(self, name: str) -> Ended:
        ended = Running(self.command(name), self.directory, self.environment).ended()
        assert (ended.status, ended.err) == (0, ""), ended
        return ended


@pytest.fixture(scope="module")
def compared(
    page: Page,  # noqa: ARG001 - without a browser nothing is compared
    environment: dict[str, str],
    preloaded: Preloaded,
    tmp_path_factory: pytest.TempPathFactory,
) -> Compared:
    directory = tmp_path_factory.mktemp("compared")
    compare = ["-m", "flows", "compare", "--dataset", "digits", *SMALLER, "--json"]
    ended = Running(compare, directory, preloaded.environment, preloaded.start).ended()
    assert ended.status == 0, ended
    study = json.loads(ended.out)["study"]
    assert re.search(rf"Look at its mistakes: .* mistakes {study}$", ended.err, re.MULTILINE)
    (prepared,) = directory.glob("data/digits-*/")
    images, labels, test = (np.load(prepared / f"{name}.npy") for name in ("images", "labels", "test"))
    for place in test[:20]:
        file = directory / "pictures" / str(labels[place]) / f"{place}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(images[place, ..., 0]).save(file)
    return Compared(study, directory, {**environment, "PREFECT_API_URL": preloaded.environment["PREFECT_API_URL"]})


def test_the_steps_are_those_that_a_person_takes() -> None:
    assert [name for name, _ in STEPS] == ["predict", "mistakes", "promote", "serve"]


def test_what_is_recommended_is_asked_and_its_wrong_answers_are_shown(page: Page, compared: Compared) -> None:
    said = compared.done("predict").out
    images, accuracy = re.findall(r"^Of (\d+) labelled pictures: accuracy ([\d.]+)", said, re.MULTILINE)[0]
    assert images == "20"
    assert float(accuracy) > 0.5
    (path,) = re.findall(r"^Its mistakes +(\S+)", said, re.MULTILINE)
    page.goto(Path(path).as_uri())
    expect(page.get_by_text(re.compile(r"^(Wrong on \d+ of 20 images|No mistakes: 20 images)"))).to_be_visible()


def test_a_model_is_promoted_served_and_answers_to_a_picture(
    compared: Compared, start: Callable[..., Running], tmp_path: Path
) -> None:
    assert "'digits-lenet'" in compared.done("promote").out
    port = free_port()
    command = [*compared.command("serve"), "--port", str(port)]
    served = start(*command, directory=compared.directory, **compared.environment)
    served.printed("Ctrl-C")
    picture = next((compared.directory / "pictures" / "0").iterdir())
    asked = REQUEST.replace("PICTURE.png", shlex.quote(str(picture))).replace(":5001/", f":{port}/")
    assert asked.count(str(port)) == asked.count(str(picture)) == 1
    answered = subprocess.run(["/bin/bash", "-c", asked], check=False, cwd=tmp_path, capture_output=True, text=True)
    assert answered.returncode == 0, answered.stderr
    (answer,) = json.loads(answered.stdout)["predictions"]
    assert answer["class"] == max(answer["probabilities"], key=answer["probabilities"].get)
    assert set(answer["probabilities"]) == {str(digit) for digit in range(10)}
    assert answer["probability"] == answer["probabilities"][answer["class"]]


def test_what_is_still_wrong_is_seen_in_pictures_and_words(
    page: Page, compared: Compared, picture: Callable[[str], None]
) -> None:
    said = compared.done("mistakes").out
    page.goto(Path(re.findall(r"The page +(\S+)", said)[0]).as_uri())
    expect(page.get_by_text(re.compile(r"^The 3 models are wrong in \d+ of [\d,]+ answers"))).to_be_visible()
    expect(page.get_by_text(said.splitlines()[0], exact=True)).to_be_visible()
    expect(page.get_by_role("heading", name=re.compile("^The worst \\d+"))).to_be_visible()
    pictures = page.locator(".cards img")
    assert 5 <= pictures.count() <= 24
    for shown in pictures.all():
        assert shown.evaluate("one => one.complete && one.naturalWidth") == 32
        assert shown.get_attribute("alt")
    expect(page.get_by_text(re.compile(r"^wrong on (all )?\d( of 3)?")).first).to_be_visible()
    picture("mistakes_page")
    page.get_by_text("The numbers of the curve").press("Enter")
    expect(page.get_by_role("region", name="The numbers of the curve").get_by_role("row").last).to_be_visible()
    for digit in range(10):
        row = page.get_by_role("region", name="By class").get_by_role("row", name=re.compile(f"^{digit} "))
        expect(row).to_be_visible()
