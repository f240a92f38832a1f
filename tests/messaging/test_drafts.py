"""Communications as they are written, kept, previewed, exported and taken in again."""

from __future__ import annotations

import pytest
from django.utils import translation

from engage_backend.governance.retirement import retire
from engage_backend.messaging.cautions import warnings
from engage_backend.messaging.templates import TEMPLATES
from engage_backend.messaging.wording import Wording
from engage_backend.models import Communication, CommunicationVersion
from tests.messaging.conftest import Mailing


def test_a_draft_is_kept_and_changes_in_place(mailing: Mailing) -> None:
    communication = mailing.write(subject="First", body="")
    changed = mailing.patch(f"/{communication['id']}", {"subject": "Second", "body": "Text"})
    assert (changed["version"], changed["subject"], changed["body"]) == (1, "Second", "Text")
    assert CommunicationVersion.objects.count() == 1
    (head,) = mailing.get()["communications"]
    assert (head["state"], head["active"], head["mine"], head["subject"]) == ("draft", False, True, "Second")
    assert "pseudonyms" not in head


def test_a_draft_keeps_criteria_list_and_model(mailing: Mailing) -> None:
    criteria = {"version": 1, "states": ["active"], "ranges": {"certify": [0, 500]}}
    communication = mailing.write(criteria=criteria)
    assert communication["criteria"] == criteria
    assert communication["pseudonyms"] == [learner.pseudonym for learner in mailing.learners]
    assert CommunicationVersion.objects.get().model == mailing.site.run.model


def test_criteria_without_a_list_select_by_themselves(mailing: Mailing) -> None:
    made = mailing.post(data={"criteria": {"version": 1, "include": [mailing.learners[0].pseudonym]}}, status=201)
    assert set(made["pseudonyms"]) == {learner.pseudonym for learner in mailing.learners}
    none = mailing.patch(f"/{made['id']}", {"criteria": {"version": 1, "ranges": {"certify": [900, 1000]}}})
    assert none["pseudonyms"] == []


def test_a_draft_can_be_thrown_away_and_a_sent_one_cannot(mailing: Mailing) -> None:
    draft, sent = mailing.write(), mailing.write()
    mailing.send(sent)
    assert mailing.client.delete(f"{mailing.url}/{draft['id']}").status_code == 204
    assert mailing.client.delete(f"{mailing.url}/{sent['id']}").status_code == 409
    assert [one["id"] for one in mailing.get()["communications"]] == [sent["id"]]


def test_a_preview_fills_the_name_in_and_masks_it(mailing: Mailing) -> None:
    communication = mailing.write()
    shown = mailing.post(f"/{communication['id']}/preview", {"pseudonym": mailing.learners[2].pseudonym})
    assert (shown["to"], shown["subject"]) == ("F··· L···", "Hello F···")
    assert "<p>Dear F··· L···,</p>" in shown["html"]
    assert not any(word in str(shown) for word in ("First3", "Last3", "people.example"))
    nameless = mailing.post(f"/{communication['id']}/preview", {"audience": False})
    assert (nameless["subject"], nameless["text"], nameless["audience"]) == ("Hello", "Dear,\n\nwelcome.", None)


def test_a_preview_of_words_that_are_not_saved_keeps_nothing(mailing: Mailing) -> None:
    communication = mailing.write()
    shown = mailing.post(f"/{communication['id']}/preview", {"subject": "You are at risk", "body": "80 % fail"})
    assert [(one["field"], one["words"]) for one in shown["warnings"]] == [
        ("subject", "at risk"),
        ("body", "80 %"),
        ("body", "fail"),
    ]
    assert all(one["reason"] for one in shown["warnings"])
    assert mailing.get(f"/{communication['id']}")["subject"] == "Hello [:firstname:]"


@pytest.mark.parametrize(("language", "greeting"), [("en", "Hello "), ("de", "Guten Tag ")])
def test_templates_are_neutral_and_can_be_sent_as_they_are(mailing: Mailing, language: str, greeting: str) -> None:
    with translation.override(language):
        answer = mailing.client.get(mailing.url.replace("/communications", "/templates")).json()
    assert len(answer["templates"]) == len(TEMPLATES) > 3
    for template in answer["templates"]:
        assert template["body"].startswith(greeting)
        wording = Wording.checked(subject=template["subject"], body=template["body"])
        assert warnings(wording) == []
        assert mailing.write(subject=template["subject"], body=template["body"])["warnings"] == []


def test_an_export_holds_words_and_criteria_and_no_learner(mailing: Mailing) -> None:
    names = [learner.pseudonym for learner in mailing.learners]
    criteria = {"version": 1, "states": ["active"], "ranges": {"leave": [500, 1000]}, "include": names}
    mailing.write(criteria=criteria, course_notice=True)
    made = mailing.get("/export")
    (one,) = made["communications"]
    assert one["criteria"] == {"version": 1, "states": ["active"], "ranges": {"leave": [500, 1000]}}
    assert not any(name in str(made) for name in names)
    assert mailing.post("/export", made, status=201)["imported"]
    taken = Communication.objects.latest("pk")
    assert (taken.automation, taken.course_notice) == ("off", True)
    version = taken.versions.get()
    assert (version.subject, version.pseudonyms, version.criteria) == (one["subject"], [], one["criteria"])


def test_what_is_no_export_is_taken_in_not_even_in_part(mailing: Mailing) -> None:
    good = {"subject": "s", "body": "b", "criteria": {"version": 1}}
    for listed in ([good, {"subject": "x\ny"}], [good, {"automation": "send"}], "x", [good, {"criteria": []}]):
        given = {"format": "engage-communications", "version": 1, "communications": listed}
        mailing.post("/export", given, status=400)
    mailing.post("/export", {"communications": [good]}, status=400)
    assert Communication.objects.count() == 0


def test_an_unchanged_communication_is_not_sent_to_the_page_again(mailing: Mailing) -> None:
    url = f"{mailing.url}/{mailing.write()['id']}"
    etag = mailing.client.get(url)["ETag"]
    assert mailing.client.get(url, headers={"If-None-Match": etag}).status_code == 304
    mailing.client.patch(url, {"subject": "new"}, "application/json")
    assert mailing.client.get(url, headers={"If-None-Match": etag}).status_code == 200


def test_a_draft_drops_who_was_removed_and_says_how_many(mailing: Mailing) -> None:
    names = [learner.pseudonym for learner in mailing.learners]
    first, second, *rest = names
    kept = mailing.write(pseudonyms=[first, *rest])
    for learner in mailing.learners[:2]:
        retire(learner.user_id)
    criteria = {"version": 1, "states": [], "include": [second, rest[0]], "exclude": [first]}
    stripped = {"version": 1, "states": [], "include": [rest[0]]}
    made = mailing.write(pseudonyms=names, criteria=criteria)
    assert (made["pseudonyms"], made["criteria"], made["no_longer_here"]) == (rest, stripped, 2)
    assert mailing.write(pseudonyms=rest)["no_longer_here"] == 0
    changed = mailing.patch(f"/{kept['id']}", {"pseudonyms": [second, *rest], "criteria": criteria})
    assert (changed["pseudonyms"], changed["criteria"], changed["no_longer_here"]) == (rest, stripped, 2)
    assert mailing.patch(f"/{kept['id']}", {"subject": "Only words"})["no_longer_here"] == 0
    assert mailing.patch(f"/{kept['id']}", {"criteria": criteria})["pseudonyms"] == [rest[0]]
    shown = mailing.post(f"/{made['id']}/preview")["audience"]
    assert (shown["selected"], shown["to_write"]) == (3, 3)
    assert mailing.send(made, count=3)["sending"]["selected"] == 3
    assert "no_longer_here" not in mailing.get(f"/{made['id']}")


def test_a_draft_of_people_who_were_all_removed_is_kept_and_is_for_nobody(mailing: Mailing) -> None:
    gone = mailing.learners[0]
    retire(gone.user_id)
    made = mailing.write(pseudonyms=[gone.pseudonym])
    assert (made["pseudonyms"], made["no_longer_here"]) == ([], 1)
    assert "nobody is selected" in mailing.send(made, status=409)["detail"]


def test_a_list_that_names_somebody_who_was_removed_reaches_the_others(mailing: Mailing) -> None:
    """As a database holds it that was restored, or that an older release wrote."""
    made = mailing.write()
    version = CommunicationVersion.objects.get()
    version.pseudonyms = ["0000aaaa", *version.pseudonyms]
    version.save()
    shown = mailing.post(f"/{made['id']}/preview")["audience"]
    assert (shown["selected"], shown["to_write"], shown["left_out"]) == (6, 5, {"no such learner": 1})
    assert mailing.send(made, count=5)["sending"]["selected"] == 6
    assert CommunicationVersion.objects.get().deliveries.count() == 5


def test_an_import_drops_who_was_removed(mailing: Mailing) -> None:
    gone, here = mailing.learners[:2]
    retire(gone.user_id)
    one = {"subject": "s", "body": "b", "criteria": {"version": 1, "include": [gone.pseudonym, here.pseudonym]}}
    mailing.post("/export", {"format": "engage-communications", "version": 1, "communications": [one]}, status=201)
    assert CommunicationVersion.objects.get().criteria["include"] == [here.pseudonym]
