"""Writing to learners: brush, write, preview, send; later, stopped, edited, and to those who have not had it."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.composing import HIGH, TICK, OpenPage, course_page, hook, minute_later, outbox, write
from tests.browser.conftest import brush, brush_box
from tests.demo.conftest import Site

# One more learner comes to be likely to earn a certificate; then not any more.
ONE_MORE = """
from engage_backend.models import Prediction
Prediction.objects.filter(pk=Prediction.objects.filter(certify=100).first().pk).update(certify=901)
"""
ONE_LESS = """
from engage_backend.models import Prediction
Prediction.objects.filter(certify=901).update(certify=100)
"""
REMOVE_ONE = """
from engage_backend.governance.retirement import retire
from engage_backend.models import Learner
retire(Learner.objects.get(prediction__certify=901).user_id)
"""
ONE_OPTS_OUT = """
from engage_backend.models import Delivery
from engage_backend.platform.standalone.models import Course, OptOut
user = Delivery.objects.filter(state="queued").latest("pk").learner.user_id
OptOut.objects.create(course=Course.objects.get(), user_id=user)
"""
AND_BACK_IN = """
from engage_backend.platform.standalone.models import OptOut
OptOut.objects.latest("pk").delete()
"""
# The course lies where it is 23 o'clock now.
AT_NIGHT = """
from engage_backend.models import CourseRun
from engage_backend.platform.api import get_platform
ahead = 23 - get_platform().now().hour
CourseRun.objects.update(time_zone=f"Etc/GMT-{ahead}" if ahead <= 14 else f"Etc/GMT+{24 - ahead}")
"""
AT_THAT_TIME = re.compile(r"That is 02:00 \(Etc/GMT.\d+\), in the quiet hours\. It goes out at 08:00\.")
# At night and by day there, the day after tomorrow, as the field for a time in UTC takes it.
TIMES = """
from datetime import UTC, timedelta
from zoneinfo import ZoneInfo
from engage_backend.models import CourseRun
from engage_backend.platform.api import get_platform
there = get_platform().now().astimezone(ZoneInfo(CourseRun.objects.get().time_zone))
for hour in (2, 10):
    moment = there.replace(hour=hour, minute=0) + timedelta(days=2)
    print(moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M"))
"""
ENDS = """
from datetime import timedelta
from engage_backend.models import CourseRun
from engage_backend.platform.api import get_platform
CourseRun.objects.update(end=get_platform().now() + timedelta(days=1))
"""
BACK_IN_UTC = """
from engage_backend.models import CourseRun
CourseRun.objects.update(time_zone="UTC", end=None)
"""
# In each frame: how many the selection line says, and how many the button.
WATCH = """
const numbers = (node) => Number(/\\d+/.exec(node.textContent)?.[0] ?? NaN);
const [line, button] = ["selected-count", "write"].map((name) => document.querySelector(`[data-testid=${name}]`));
window.seen = new Set();
window.apart = [];
const look = () => {
  const [said, offered] = [numbers(line), button.hidden ? 0 : numbers(button)];
  window.seen.add(said);
  if (said !== offered) window.apart.push([said, offered]);
  requestAnimationFrame(() => setTimeout(look));
};
look();
"""


def test_a_message_waits_until_it_is_said_whether_it_is_for_those_chosen_or_those_selected_now(
    writing_site: Site, open_page: OpenPage
) -> None:
    page = course_page(writing_site, open_page)
    write(page, "For whom", "Hello.")
    expect(hook(page, "compose-to")).to_contain_text(f"To {HIGH} learners")
    expect(hook(page, "selection-question")).to_be_hidden()
    asked, count = hook(page, "selection-changed"), hook(page, "selected-count")

    def select(low: float, high: float) -> int:
        """Brush; how many the page says are selected, once that is not what it was before."""
        before = count.inner_text()
        brush(page, "certify", low, high)
        expect(count).not_to_have_text(before)
        return int(count.inner_text())

    now = select(0, 100)
    expect(asked).to_have_text(f"This message is for {HIGH} learners. You have now selected {now}.")
    expect(hook(page, "review")).to_be_disabled()
    hook(page, "keep-group").click()
    expect(hook(page, "selection-question")).to_be_hidden()
    expect(hook(page, "review")).to_be_enabled()
    now = select(0, 50)
    expect(asked).to_have_text(f"This message is for {HIGH} learners. You have now selected {now}.")
    expect(hook(page, "review")).to_be_disabled()
    hook(page, "take-selection").click()
    expect(hook(page, "compose-to")).to_contain_text(f"To {now} learners")
    hook(page, "review").click()
    expect(hook(page, "confirm-numbers")).to_contain_text(f"{now} learners are selected")


def test_a_message_goes_to_those_who_are_still_there_and_says_how_many_are_not(
    writing_site: Site, open_page: OpenPage
) -> None:
    writing_site.python(ONE_MORE)
    page = open_page(f"{writing_site.address}/course/")
    brush(page, "certify", 80, 100)
    expect(hook(page, "selected-count")).to_have_text(str(HIGH + 1))
    hook(page, "write").click()
    expect(hook(page, "compose-to")).to_contain_text(f"To {HIGH + 1} learners")
    # Kept against what is selected next, so that it names the one who goes, whatever the page hears of that.
    brush(page, "certify", 0, 50)
    hook(page, "keep-group").click()
    writing_site.python(REMOVE_ONE)
    hook(page, "compose-subject").fill("Who is there")
    hook(page, "compose-body").fill("Hello.")
    expect(hook(page, "compose-status")).to_have_text("Saved as a draft. 1 learner is no longer here.")
    expect(hook(page, "compose-to")).to_contain_text(f"To {HIGH} learners")
    expect(hook(page, "selection-question")).to_be_hidden()
    hook(page, "review").click()
    expect(hook(page, "confirm-numbers")).to_contain_text("1 learner is no longer here.")
    expect(hook(page, "confirm-numbers")).to_contain_text(f"{HIGH} learners are selected")
    expect(hook(page, "confirm-title")).to_have_text(f"Send to {HIGH - 1} learners?")  # one wants no messages


def test_a_sent_message_says_how_many_have_had_it(writing_site: Site, open_page: OpenPage) -> None:
    page = course_page(writing_site, open_page)
    write(page, "Who had it", "Hello.")
    hook(page, "review").click()
    hook(page, "send").click()
    expect(hook(page, "undo")).to_be_visible()
    expect(hook(page, "message-view")).to_contain_text(f"To {HIGH - 1} learners: ")
    writing_site.python(ONE_OPTS_OUT)
    try:
        minute_later(writing_site)
        expect(hook(page, "standing")).to_have_text(f"Finished: {HIGH - 2} sent.")
        expect(hook(page, "message-view")).to_contain_text(f"To {HIGH - 2} of {HIGH - 1} learners: ")
    finally:
        writing_site.python(AND_BACK_IN)


def test_a_gap_of_a_template_is_pointed_at_before_anything_can_be_sent(writing_site: Site, open_page: OpenPage) -> None:
    page = course_page(writing_site, open_page)
    write(page, "", "")
    hook(page, "template").select_option("office-hours")
    hook(page, "template-use").click()
    hook(page, "review").click()
    expect(hook(page, "compose-body")).to_be_focused()
    expect(hook(page, "problem-body")).to_have_text("Fill in the gap at “- When:” before you send.")
    expect(hook(page, "confirm-title")).to_be_hidden()


def test_brush_write_preview_undo_send_and_the_outbox_holds_exactly_those_however_often_one_presses(
    writing_site: Site, open_page: OpenPage
) -> None:
    page = course_page(writing_site, open_page)
    held = outbox(page, writing_site)
    expect(hook(page, "write")).to_have_text(f"Write to these {HIGH} learners")
    write(page, "Next step", "Dear , you are at **risk**.")
    body = hook(page, "compose-body")
    body.evaluate("field => field.setSelectionRange(5, 5)")
    body.focus()
    hook(page, "insert-fullname").click()
    expect(body).to_have_value("Dear [:fullname:], you are at **risk**.")
    expect(hook(page, "compose-from")).to_contain_text("@")
    expect(hook(page, "compose-reply_to").locator("option").last).to_have_text(
        "none: replies go to the sender's address"
    )

    hook(page, "preview-open").click()
    expect(hook(page, "preview-body")).to_have_text(re.compile(r"Dear Z··· Q···, you are at risk\."))
    expect(hook(page, "preview-body").locator("strong")).to_have_text("risk")
    first = hook(page, "preview-name").inner_text()
    hook(page, "preview-next").click()
    expect(hook(page, "preview-name")).not_to_have_text(first)
    expect(hook(page, "warnings")).to_contain_text("being told that one is at risk")
    body.fill("Dear [:fullname:],\n\nwell **done**.")
    expect(hook(page, "warnings")).to_be_hidden()  # kept, and read by the server, without a press
    expect(hook(page, "compose-status")).to_have_text("Saved as a draft.")

    hook(page, "review").click()
    expect(hook(page, "confirm-title")).to_be_focused()
    expect(hook(page, "confirm-title")).to_have_text(f"Send to {HIGH - 1} learners?")
    expect(hook(page, "confirm-numbers")).to_contain_text(f"{HIGH} learners are selected. 1 is left out:")
    expect(hook(page, "confirm-numbers")).to_contain_text("1 × opted out")
    hook(page, "send").click()
    expect(hook(page, "standing")).to_have_text(re.compile(r"Goes out in \d\d seconds"))
    hook(page, "undo").click()
    expect(hook(page, "composer-news")).to_have_text("Taken back. Nothing was sent.")
    expect(hook(page, "compose-subject")).to_have_value("Next step")

    hook(page, "review").click()
    hook(page, "send").dblclick()
    expect(hook(page, "undo")).to_be_visible()
    writing_site.python(f"{TICK}tick()")
    assert outbox(page, writing_site) == held
    minute_later(writing_site)
    expect(hook(page, "standing")).to_have_text(f"Finished: {HIGH - 1} sent.")
    expect(hook(page, "counts")).to_have_text(re.compile(rf"sent\s*{HIGH - 1}$"))
    assert outbox(page, writing_site) == held + HIGH - 1
    hook(page, "resend").click()
    expect(hook(page, "confirm-title")).to_have_text("Nobody is left to write to")
    expect(hook(page, "send")).to_be_hidden()
    minute_later(writing_site)
    assert outbox(page, writing_site) == held + HIGH - 1
    for secret in ("Zebra", "Quagga", "secret.example"):
        assert secret not in page.content()


def test_what_waits_for_a_time_is_stopped_edited_and_sent_to_those_who_have_not_had_it(
    writing_site: Site, open_page: OpenPage
) -> None:
    page = course_page(writing_site, open_page)
    held = outbox(page, writing_site)
    write(page, "Once more", "Hello [:firstname:]")
    hook(page, "review").click()
    hook(page, "when-later").check()
    expect(hook(page, "send-at")).to_have_value("2026-01-14T09:00")
    hook(page, "send-at").fill("")
    hook(page, "send").click()
    expect(hook(page, "confirm-problem")).to_have_text("Choose a day and a time.")
    hook(page, "send-at").fill("2026-01-15T10:30")
    hook(page, "send").click()
    expect(hook(page, "undo")).to_be_visible()
    minute_later(writing_site)
    expect(hook(page, "standing")).to_have_text("Goes out at Jan 15, 2026, 10:30 UTC")
    hook(page, "stop").click()
    expect(hook(page, "standing")).to_have_text(f"Stopped: 0 sent, {HIGH - 1} not sent.")
    expect(hook(page, "message-view")).to_contain_text(f"{HIGH - 1} × stopped")

    hook(page, "edit").click()
    expect(hook(page, "save")).to_have_text("Save changes")
    hook(page, "compose-body").fill("Hello again [:firstname:]")
    hook(page, "save").click()
    expect(hook(page, "compose-status")).to_have_text("Saved as version 2. It has not been sent.")
    hook(page, "review").click()
    expect(hook(page, "confirm-title")).to_have_text(f"Send to {HIGH - 1} learners?")
    hook(page, "send").click()
    expect(hook(page, "undo")).to_be_visible()
    minute_later(writing_site)
    expect(hook(page, "standing")).to_have_text(f"Finished: {HIGH - 1} sent.")
    assert outbox(page, writing_site) == held + HIGH - 1

    expect(hook(page, "message-text")).to_have_text("Hello again [:firstname:]")
    page.get_by_text("Versions", exact=True).click()
    page.get_by_role("button", name="Show: Version 1, not sent").click()
    expect(hook(page, "message-text")).to_have_text("Once more\n\nHello [:firstname:]")

    writing_site.python(ONE_MORE)
    hook(page, "resend").click()
    expect(hook(page, "confirm-title")).to_have_text("Send to 1 learner?")
    expect(hook(page, "confirm-numbers")).to_contain_text("To those who match its criteria now and have not had it.")
    expect(hook(page, "confirm-numbers")).to_contain_text(f"{HIGH - 1} × has had it")
    hook(page, "send").click()
    expect(hook(page, "undo")).to_be_visible()
    minute_later(writing_site)
    expect(hook(page, "standing")).to_have_text(f"Finished: {HIGH} sent.")
    assert outbox(page, writing_site) == held + HIGH
    writing_site.python(ONE_LESS)


def test_the_button_that_writes_never_says_another_number_than_the_selection_while_one_brushes(
    writing_site: Site, open_page: OpenPage
) -> None:
    page = course_page(writing_site, open_page)
    page.evaluate(WATCH)
    box = brush_box(page, "certify")
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.03, y)
    page.mouse.down()
    for share in (0.05, 0.3, 0.7, 0.95, 0.5, 0.2, 0.98):
        page.mouse.move(box["x"] + box["width"] * share, y, steps=3)
    hand = hook(page, "write").inner_text()
    page.mouse.up()
    hook(page, "write").click()
    expect(hook(page, "compose-to")).to_contain_text(re.compile(rf"^To {re.findall('[0-9]+', hand)[0]} learners"))
    assert len(page.evaluate("[...window.seen]")) > 1
    assert page.evaluate("window.apart") == []


def test_at_night_it_is_said_when_a_message_goes_out_and_it_can_go_at_once(
    writing_site: Site, open_page: OpenPage
) -> None:
    writing_site.python(AT_NIGHT)
    try:
        page = course_page(writing_site, open_page)
        write(page, "At night", "Hello.")
        hook(page, "review").click()
        said = re.compile(r"It is 23:\d\d \(Etc/GMT.\d+\), in the quiet hours\. This goes out at 08:00\.")
        expect(hook(page, "confirm-quiet")).to_have_text(said)
        hook(page, "when-later").check()
        at_night, by_day = writing_site.python(TIMES).split()
        hook(page, "send-at").fill(at_night)
        expect(hook(page, "confirm-quiet")).to_have_text(AT_THAT_TIME)
        expect(hook(page, "send-anyway")).to_have_text("Send then anyway")
        hook(page, "send-at").fill(by_day)
        expect(hook(page, "confirm-quiet")).to_be_hidden()
        expect(hook(page, "send-anyway")).to_be_hidden()
        writing_site.python(ENDS)
        hook(page, "when-now").check()
        hook(page, "when-later").check()
        expect(hook(page, "confirm-quiet")).to_have_text(
            re.compile(r"The course ends on .+; this would go out after it\.")
        )
        expect(hook(page, "send-anyway")).to_be_hidden()
        hook(page, "when-now").check()
        expect(hook(page, "confirm-quiet")).to_have_text(said)
        expect(hook(page, "send-anyway")).to_have_text("Send now anyway")
        hook(page, "send").click()
        expect(hook(page, "undo")).to_be_visible()
        minute_later(writing_site)
        expect(hook(page, "standing")).to_contain_text("Goes out at")
        hook(page, "stop").click()
        hook(page, "edit").click()
        hook(page, "review").click()
        hook(page, "send-anyway").click()
        expect(hook(page, "undo")).to_be_visible()
        minute_later(writing_site)
        expect(hook(page, "standing")).to_contain_text("Finished:")
    finally:
        writing_site.python(BACK_IN_UTC)
