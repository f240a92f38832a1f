"""Past messages: opened, loaded into the charts, carried to the next run, and asked to go on by themselves."""

from __future__ import annotations

import json
import re
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.composing import HIGH, OpenPage, course_page, hook, minute_later, write
from tests.demo.conftest import Site


def confirmed(page: Page, site: Site, subject: str) -> None:
    """A message that went out to the likely ones."""
    write(page, subject, "Hello [:firstname:]")
    hook(page, "review").click()
    hook(page, "send").click()
    expect(hook(page, "undo")).to_be_visible()
    minute_later(site)
    expect(hook(page, "standing")).to_have_text(f"Finished: {HIGH - 1} sent.")


def reopen(page: Page, subject: str) -> None:
    """Choose a message from the list of past ones."""
    option = hook(page, "past").locator("option").filter(has_text=subject)
    hook(page, "past").select_option(value=option.get_attribute("value"))
    hook(page, "past-open").click()


def test_a_past_message_is_opened_and_its_criteria_loaded_into_the_charts(
    writing_site: Site, open_page: OpenPage
) -> None:
    page = course_page(writing_site, open_page)
    confirmed(page, writing_site, "Of the past")
    hook(page, "message-close").click()
    expect(hook(page, "write")).to_be_focused()
    hook(page, "reset-all").click()
    expect(hook(page, "range-certify")).to_have_text("everyone")
    reopen(page, "Of the past")
    expect(hook(page, "message-title")).to_be_focused()
    expect(hook(page, "message-title")).to_have_text("Of the past")
    hook(page, "load-criteria").click()
    expect(hook(page, "selected-count")).to_have_text(str(HIGH))
    expect(hook(page, "range-certify")).to_have_text(re.compile("–100 %$"))


def test_messages_are_exported_and_imported_as_drafts_with_automation_off(
    writing_site: Site, open_page: OpenPage, tmp_path: Path
) -> None:
    page = course_page(writing_site, open_page)
    confirmed(page, writing_site, "For the next run")
    hook(page, "automation-ask").click()
    expect(hook(page, "automation-state")).to_contain_text("Once a day you get a mail")
    with page.expect_download() as download:
        hook(page, "export").click()
    file = tmp_path / "export.json"
    download.value.save_as(file)
    exported = json.loads(file.read_text(encoding="utf-8"))
    said = json.dumps(exported)
    for secret in ("Zebra", "Quagga", "secret.example"):
        assert secret not in said
    hook(page, "automation-off").click()
    expect(hook(page, "automation-state")).to_have_text("Nothing happens by itself.")

    exported["communications"] = [one for one in exported["communications"] if one["subject"] == "For the next run"]
    exported["communications"][0]["subject"] = "In the next run"
    file.write_text(json.dumps(exported), encoding="utf-8")
    hook(page, "import-file").set_input_files(file)
    expect(hook(page, "composer-news")).to_have_text("1 draft is imported; nobody is selected yet.")
    reopen(page, "In the next run")
    expect(hook(page, "compose-body")).to_have_value("Hello [:firstname:]")
    expect(hook(page, "compose-to")).to_contain_text("To nobody yet.")
    hook(page, "take-selection").click()
    expect(hook(page, "compose-to")).to_contain_text(f"To {HIGH} learners")
    hook(page, "compose-close").click()
    expect(hook(page, "compose")).to_be_hidden()

    for wrong, what in ((b"[1]", "communications"), (b"\x89PNG", "not one that")):
        hook(page, "import-file").set_input_files({"name": "x.json", "mimeType": "application/json", "buffer": wrong})
        expect(hook(page, "composer-problem")).to_contain_text(what)


def test_automation_asks_first_and_sends_by_itself_only_after_a_second_deliberate_step(
    writing_site: Site, open_page: OpenPage
) -> None:
    page = course_page(writing_site, open_page)
    confirmed(page, writing_site, "To those who come later")
    expect(hook(page, "automation-state")).to_have_text("Nothing happens by itself.")
    expect(hook(page, "automation-send")).to_have_count(0)
    hook(page, "automation-ask").click()
    expect(hook(page, "automation-state")).to_contain_text("Once a day you get a mail")
    hook(page, "automation-send").click()
    expect(hook(page, "automation")).to_contain_text("Nobody looks before it goes out.")
    expect(hook(page, "automation").get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Enter")
    expect(hook(page, "automation-state")).to_contain_text("Once a day you get a mail")
    hook(page, "automation-send").click()
    hook(page, "automation-send-sure").click()
    expect(hook(page, "automation-state")).to_contain_text("written to by themselves")
    expect(hook(page, "past").locator("optgroup").first).to_have_attribute("label", "Active")
    expect(hook(page, "past").locator("optgroup").first.locator("option")).to_contain_text(["To those who come later"])
    hook(page, "automation-off").click()
    expect(hook(page, "automation-state")).to_have_text("Nothing happens by itself.")


def test_the_order_of_automatic_messages_is_shown_and_changed_with_the_keyboard(
    writing_site: Site, open_page: OpenPage
) -> None:
    page = course_page(writing_site, open_page)
    for subject in ("Rule one", "Rule two"):
        confirmed(page, writing_site, subject)
        hook(page, "automation-ask").click()
        expect(hook(page, "automation-state")).to_contain_text("Once a day you get a mail")
        hook(page, "message-close").click()
    rules = hook(page, "running").locator("li")
    expect(rules).to_have_text([re.compile("Rule one.*asks each day"), re.compile("Rule two.*asks each day")])
    page.get_by_role("button", name="Move “Rule two” up").press("Enter")
    expect(rules).to_have_text([re.compile("Rule two"), re.compile("Rule one")])
    expect(page.get_by_role("button", name="Move “Rule two” down")).to_be_focused()
    page.reload()
    expect(rules).to_have_text([re.compile("Rule two"), re.compile("Rule one")])
    for subject in ("Rule two", "Rule one"):
        hook(page, "running").get_by_role("button", name=subject, exact=True).click()
        expect(hook(page, "message-title")).to_have_text(subject)
        hook(page, "automation-off").click()
        expect(hook(page, "automation-state")).to_have_text("Nothing happens by itself.")
    expect(hook(page, "running")).to_be_hidden()
