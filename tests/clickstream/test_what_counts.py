"""What is a click of the learner, a fact, or neither: the rules of edX, row by row, each through `parse`."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engage_backend.clickstream import kind_table
from engage_backend.clickstream.event import ClickEvent, Reason
from engage_backend.clickstream.kinds import rows
from engage_backend.clickstream.names import FACTS, PLATFORM_FACTS, SCORE_RESET, SUBMITTED, is_activity
from engage_backend.clickstream.parse import parse
from tests.clickstream.records import COURSE, PROBLEM, line, record

C = COURSE
ORA = f"block-v1:{C[10:]}+type@openassessment+block@o1"
SEQUENCE = f"block-v1:{C[10:]}+type@sequential+block@s1"
UNIT = f"block-v1:{C[10:]}+type@vertical+block@v1"
VIDEO = f"block-v1:{C[10:]}+type@video+block@w1"

PAGES = f"""
/courses/{C}/courseware/a/b/ /courses/{C}/course/ /courses/{C}/home /courses/{C}/info /courses/{C}/jump_to/{UNIT}
/courses/{C}/jump_to_id/v1 /courses/{C}/progress /courses/{C}/dates /courses/{C}/wiki/x /courses/{C}/course_wiki
/courses/{C}/pdfbook/0/ /courses/{C}/htmlbook/0/ /courses/{C}/book/0/3 /courses/{C}/syllabus /courses/{C}/discussion/forum
/courses/{C}/teams/ /courses/{C}/edxnotes/ /courses/{C}/bookmarks /courses/{C}/0f1e2d3c4b5a69788796a5b4c3d2e1f0/
/courses/{C}/lti_tab/1f0a /wiki/{C}/ /xblock/{UNIT} /videos/{VIDEO} /api/course_home/outline/{C}
/api/course_home/v1/dates/{C} /api/course_home/progress/{C} /api/courseware/sequence/{SEQUENCE}
/asset-v1:{C[10:]}+type@asset+block@notes.pdf /assets/courseware/v1/0f1e/asset-v1:{C[10:]}+type@asset+block/all.zip
/asset-v1:{C[10:]}+type@asset+block@Essay.DOCX /c4x/GymX/G101/asset/notes.pdf
""".split()
ACTS = f"""
/courses/{C}/xblock/block-v1:{C[10:]}+type@done+block@d/handler/toggle_button
/courses/{C}/xblock/block-v1:{C[10:]}+type@poll+block@d/handler/vote
/courses/{C}/xblock/block-v1:{C[10:]}+type@drag-and-drop-v2+block@d/handler/drop_attempt
/courses/{C}/xblock/block-v1:{C[10:]}+type@lti_consumer+block@d/handler/lti_launch_handler
/courses/{C}/xblock/{ORA}/handler/training_assess
/api/discussion/v1/threads/ /api/discussion/v1/comments/ /api/discussion/v3/course_topics/{C} /api/team/v0/teams/
/search/{C} /lti_provider/courses/{C}/{PROBLEM} /api/mobile/v1/users/ann/course_status_info/{C}
/api/course_experience/v1/reset_course_deadlines /api/learning_assistant/v1/course_id/{C}
/openassessment/fileupload/x/{C}/y
""".split()
BESIDE = f"""
/api/courseware/course/{C} /api/courseware/celebration/{C} /api/courseware/resume/{C}
/api/course_home/course_metadata/{C} /api/course_home/v1/navigation/{C} /api/course_home/dismiss_welcome_message
/api/course_home/save_course_goal /courses/{C}/courseware-navigation-sidebar/toggles/
/courses/{C}/courseware-search/enabled/ /api/courses/v2/blocks/ /api/courses/v1/courses/{C}
/api/learning_sequences/v1/course_outline/{C} /api/course_experience/v1/course_deadlines_info/{C}
/api/grades/v1/courses/{C}/ /api/discussion/v1/courses/{C}/ /api/edx_proctoring/v1/proctored_exam/attempt/course_id/{C}
/api/completion/v1/completion-batch /api/notifications/count/ /api/user_tours/v1/ann
/api/agreements/v1/integrity_signature/{C} /api/learning_assistant/v1/course_id/{C}/history /api/val/v0/videos/x/
/asset-v1:{C[10:]}+type@asset+block@logo.png /assets/courseware/v1/0f/asset-v1:{C[10:]}+type@asset+block/a.css
/c4x/GymX/G101/asset/logo.jpg
""".split()
OUTSIDE = f"""
/courses/{C}/about /courses/{C} /courses/{C}/ /courses /courses/ /search/course_discovery/ /search/course_autocomplete
/change_enrollment /api/enrollment/v1/enrollment/{C} /enrollment_x/{C} /course_modes/choose/{C}/
/api/course_modes/v1/courses/{C}/ /verify_student/start-flow/{C}/ /commerce/checkout/ /api/commerce/v1/courses/{C}/
/api/discounts/course/{C} /api/credit/v1/x /api/experiments/v0/x /enterprise/x/course/{C}/enroll/ /embargo/x /survey/x
/courses/{C}/survey /courses/{C}/generate_user_cert /certificates/course/{C} /certificates/0f1e2d3c
/api/certificates/v0/certificates/ann/courses/{C}/ /dashboard /dashboard/programs/ /api/learner_home/init
/account/finish_auth /account/settings /api/user/v1/accounts/ann /u/ann /api/profile_images/v1/ann/upload /login
/login_ajax /register /logout /oauth2/access_token /i18n/setlang/ /lang_pref/session_language
/api/change_email_settings /bulk_email/email/optout/x/{C}/ /notification_prefs/enable/
/api/course_home/unsubscribe_from_course_goal/x /api/notifications/preferences/update/ /courses/{C}/calendar_sync
""".split()
TEAM = f"""
/courses/{C}/instructor /courses/{C}/instructor/api/x /courses/{C}/masquerade /courses/{C}/progress/17/
/courses/{C}/gradebook /api/ora_staff_grader/initialize /api/team/v0/bulk_team_membership/{C} /api/instructor/v2/courses/{C}
/api/grades/v1/gradebook/{C}/ /api/discussion/v1/courses/{C}/settings /admin/courseware/studentmodule/17/
/courses/{C}/xblock/{ORA}/handler/staff_assess
""".split()
FOREIGN = [f"/engage/api/v1/courses/{C}/predictions", f"/engage/courses/{C}/"]
UNNAMED = [f"/courses/{C}/plugin/x", f"/courses/{C}/plugin", f"/aspects/{C}", f"/api/plugin/v1/{C}", "/gymdemo/ping"]

HANDLERS = {
    PROBLEM: "problem_check problem_show problem_save problem_reset hint_button problem_get input_ajax score_update",
    SEQUENCE: "goto_position get_completion publish_completion",
    VIDEO: "save_user_state publish_completion transcript student_view_user_state yt_video_metadata get_completion",
    ORA: "submit save_submission peer_assess self_assess save_files_descriptions remove_uploaded_file submit_feedback"
    " submission file assessment render_submission render_peer_assessment render_grade get_block_info get_learner_data"
    " upload_url download_url publish_event waiting_step_data check_released get_student_username",
    f"block-v1:{C[10:]}+type@drag-and-drop-v2+block@d": "publish_event",
    f"block-v1:{C[10:]}+type@lti_consumer+block@l": "outcome_service_handler lti_2_0_result_rest_handler",
    f"block-v1:{C[10:]}+type@html+block@h": "publish_completion",
}
DROPPED = [(block, handler) for block, handlers in HANDLERS.items() for handler in handlers.split()]

PLATFORM = """
edx.cohort.user_added edx.certificate.created edx.certificate.revoked edx.completion.block_completion.changed
edx.course.goal.added edx.librarycontentblock.content.assigned edx.problem.hint.feedback_displayed edx.bi.x.y
edx.ace.message_sent edx.bulk_email.created edx.grades.subsection.grade_calculated edx.grades.course.grade_calculated
edx.course.grade.now_passed edx.course.grade.now_failed edx.course.grade.passed.first_time problem_rescore
problem_reset_attempts edx.instructor.report.requested openassessmentblock.staff_assess
openassessmentblock.get_submission_for_staff_grading edx.user.settings.changed
""".split()  # noqa: SIM905
OWN_ACTS = """
play_video pause_video seek_video stop_video show_transcript seq_goto seq_next seq_prev showanswer reset_problem
reset_problem_fail save_problem_success save_problem_fail problem_check_fail edx.problem.hint.demandhint_displayed
edx.ui.lms.link_clicked edx.ui.lms.sequence.next_selected openassessmentblock.create_submission
openassessmentblock.peer_assess openassessmentblock.self_assess openassessmentblock.save_submission
openassessmentblock.get_peer_submission edx.forum.thread.created edx.forum.comment.created edx.bookmark.added
edx.bookmark.removed edx.bookmark.listed edx.course.student_notes.added edx.team.created edx.team.learner_added book
""".split()  # noqa: SIM905


def came(**fields: Any) -> ClickEvent | Reason:
    """What the line becomes; the mapping must agree."""
    found = parse(line(**fields))
    assert found == parse(record(**fields))
    return found


def request(path: str, **fields: Any) -> ClickEvent | Reason:
    return came(event_type=path, event='{"GET": {}, "POST": {}}', context={"path": path}, **fields)


def counts(found: ClickEvent | Reason) -> bool:
    return isinstance(found, ClickEvent) and is_activity(found.kind)


@pytest.mark.parametrize("path", [*PAGES, *ACTS])
def test_a_page_or_an_act_of_the_course_is_a_click(path: str) -> None:
    assert counts(request(path))


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        *((path, Reason.BESIDE) for path in BESIDE),
        *((path, Reason.OUTSIDE) for path in OUTSIDE),
        *((path, Reason.COURSE_TEAM) for path in TEAM),
        *((path, Reason.OUR_OWN) for path in FOREIGN),
        *((path, Reason.UNNAMED) for path in UNNAMED),
    ],
)
def test_any_other_request_is_none_and_says_why(path: str, reason: Reason) -> None:
    assert request(path) is reason
    assert request(path.rstrip("/") + "/") is reason


@pytest.mark.parametrize(("block", "handler"), DROPPED)
def test_a_handler_whose_act_another_record_tells_is_no_click(block: str, handler: str) -> None:
    for below in (f"handler/{handler}", f"handler/xmodule_handler/{handler}"):
        assert isinstance(request(f"/courses/{C}/xblock/{block}/{below}"), Reason)


@pytest.mark.parametrize("handler", ["problem_check", "problem_get"])
def test_old_addresses_of_handlers_follow_the_same_rule(handler: str) -> None:
    assert isinstance(request(f"/courses/A/B/C/modx/i4x://A/B/problem/P/{handler}"), Reason)


@pytest.mark.parametrize("path", ["threads/5c9f/", "comments/5c9f/"])
def test_one_thread_of_the_rest_api_does_not_tell_reading_from_writing(path: str) -> None:
    assert request(f"/api/discussion/v1/{path}") is Reason.ONE_CLICK


@pytest.mark.parametrize("path", ["/api/bookmarks/v1/bookmarks/", f"/courses/{C}/edxnotes/notes/"])
def test_named_events_tell_of_bookmarks_and_notes(path: str) -> None:
    assert request(path) is Reason.ONE_CLICK


@pytest.mark.parametrize("name", OWN_ACTS)
@pytest.mark.parametrize("source", ["server", "browser", "mobile"])
def test_a_named_act_of_the_learners_own_is_a_click(name: str, source: str) -> None:
    if name.startswith("openassessmentblock.create") and source == "browser":
        assert came(event_type=name, event_source=source) is Reason.BROWSER_TWIN  # nobody's browser hands in
    else:
        assert counts(came(event_type=name, event_source=source))


@pytest.mark.parametrize("name", PLATFORM)
def test_what_the_platform_or_the_team_does_is_no_click(name: str) -> None:
    assert isinstance(came(event_type=name, event={"user_id": 5, "course_id": C}), Reason)


@pytest.mark.parametrize("name", ["problem_check", "problem_graded", "problem_show", "problem_save", "problem_reset"])
def test_the_browsers_own_word_of_a_problem_is_the_servers_twin(name: str) -> None:
    assert isinstance(came(event_type=name, event_source="browser", event="input_1=2"), Reason)


@pytest.mark.parametrize("name", ["load_video", "page_close", "edx.ui.lms.outline.selected"])
def test_what_comes_with_a_page_is_no_click(name: str) -> None:
    assert isinstance(came(event_type=name, event_source="browser"), Reason)


def test_the_legacy_forum_counts_by_its_requests_and_the_new_one_by_its_events() -> None:
    path = f"/courses/{C}/discussion/general/threads/create"
    assert counts(request(path))
    assert came(event_type="edx.forum.thread.created", context={"path": path}) is Reason.ONE_CLICK
    assert counts(came(event_type="edx.forum.thread.created", context={"path": "/api/discussion/v1/threads/"}))


def test_a_block_that_names_an_event_within_its_handler_clicks_once() -> None:
    path = f"/courses/{C}/xblock/block-v1:{C[10:]}+type@done+block@d/handler/toggle_button"
    found = [request(path), came(event_type="edx.done.toggled", context={"path": path})]
    assert list(map(counts, found)) == [True, False]


def one_submit() -> list[dict[str, Any]]:
    handler = f"/courses/{C}/xblock/{PROBLEM}/handler/xmodule_handler/problem_check"
    grade = {"problem_id": PROBLEM, "user_id": "5", "weighted_earned": 1, "weighted_possible": 1}
    answer = {"problem_id": PROBLEM, "success": "correct", "grade": 1, "max_grade": 1, "attempts": 1}
    return [
        record(event_type="problem_check", event_source="browser", event="input_1=2"),
        record(event_type=handler, event='{"GET": {}, "POST": {}}', context={"path": handler}),
        record(event_type="edx.grades.problem.submitted", event=grade, context={"path": handler}),
        record(event_type="problem_check", event=answer, context={"path": handler}),
        record(event_type="problem_graded", event_source="browser", event=["input_1=2", "x"]),
        record(event_type="edx.grades.subsection.grade_calculated", event={}, context={"path": handler}),
    ]


def test_one_submit_is_one_click_and_its_score() -> None:
    found = [parse(json.dumps(one).encode()) for one in one_submit()]
    assert [one.kind for one in found if isinstance(one, ClickEvent)] == [SUBMITTED, "problem_check_correct"]
    assert sum(map(counts, found)) == 1


def test_viewing_an_open_response_is_one_click() -> None:
    parts = ["render_submission", "render_peer_assessment", "render_self_assessment", "render_staff_assessment"]
    parts += ["render_grade", "render_leaderboard", "render_message", "get_block_info"]
    paths = [f"/xblock/{UNIT}", *(f"/courses/{C}/xblock/{ORA}/handler/{part}" for part in parts)]
    assert [counts(request(path)) for path in paths] == [True] + [False] * len(parts)


def test_a_browser_event_named_like_a_path_is_no_page() -> None:
    for source in ("browser", "mobile"):
        assert request(f"/courses/{C}/courseware/a/b/", event_source=source) is Reason.UNNAMED


def test_what_happens_on_the_about_page_is_outside() -> None:
    page = f"https://lms/courses/{C}/about"
    assert came(event_type="edx.ui.lms.link_clicked", event_source="browser", page=page) is Reason.OUTSIDE


def fact(name: str, event: dict[str, Any], **context: Any) -> ClickEvent | Reason:
    payload = {"course_id": C, "problem_id": PROBLEM, **event}
    return came(event_type=name, event=payload, context={"user_id": 99, "path": f"/courses/{C}/instructor", **context})


@pytest.mark.parametrize(
    ("name", "event", "kind", "points"),
    [
        ("edx.grades.problem.submitted", {"weighted_earned": 3, "weighted_possible": 5}, SUBMITTED, (3, 5)),
        ("edx.grades.problem.submitted", {"weighted_earned": 0, "weighted_possible": 0}, SCORE_RESET, (None, None)),
        (
            "edx.grades.problem.rescored",
            {"new_weighted_earned": 1, "new_weighted_possible": 2},
            "edx.grades.problem.rescored",
            (1, 2),
        ),
        (
            "edx.grades.problem.score_overridden",
            {"new_weighted_earned": 0, "new_weighted_possible": 2},
            "edx.grades.problem.score_overridden",
            (0, 2),
        ),
        ("edx.grades.problem.state_deleted", {}, "edx.grades.problem.state_deleted", (None, None)),
        ("edx.course.enrollment.activated", {"mode": "audit"}, "edx.course.enrollment.activated", (None, None)),
        ("edx.course.enrollment.deactivated", {"mode": "audit"}, "edx.course.enrollment.deactivated", (None, None)),
        (
            "edx.course.enrollment.mode_changed",
            {"mode": "verified"},
            "edx.course.enrollment.mode_changed",
            (None, None),
        ),
    ],
)
@pytest.mark.parametrize("user", [7, "7"])
@pytest.mark.parametrize("by", [99, None, 7, "7"])
def test_a_fact_is_of_the_learner_it_names_whoever_caused_it(
    name: str, event: dict[str, Any], kind: str, points: tuple[float | None, ...], user: Any, by: Any
) -> None:
    found = fact(name, {**event, "user_id": user}, user_id=by)
    assert isinstance(found, ClickEvent)
    assert (found.learner, found.course) == (7, C)
    assert not counts(found)
    if str(by) == "7" and kind == SCORE_RESET:  # a problem of weight 0, handed in
        kind, points = SUBMITTED, (0, 0)
    assert found.kind == kind
    assert (found.score, found.possible) == points


def test_a_cleared_open_response_of_ones_own_is_taken_back() -> None:
    event = {"problem_id": ORA, "user_id": 7, "weighted_earned": 0, "weighted_possible": 0}
    found = fact("edx.grades.problem.submitted", event, user_id=7)
    assert isinstance(found, ClickEvent)
    assert found.kind == SCORE_RESET


def test_no_record_of_a_log_passes_for_what_the_platforms_tables_say() -> None:
    for name in PLATFORM_FACTS:
        found = fact(name, {"user_id": 5, "weighted_earned": 1, "weighted_possible": 1}, user_id=5, path="/x")
        assert found is Reason.NOT_A_CLICK


@pytest.mark.parametrize("name", sorted(FACTS - PLATFORM_FACTS))
@pytest.mark.parametrize("source", ["browser", "mobile"])
def test_a_fact_that_a_learners_device_writes_is_none(name: str, source: str) -> None:
    event = {"user_id": 5, "problem_id": PROBLEM, "weighted_earned": 9, "weighted_possible": 9}
    assert isinstance(came(event_type=name, event_source=source, event=json.dumps(event)), Reason)


def test_names_in_any_script_stay_apart() -> None:
    names = [
        "作业.提交",
        "视频.播放",
        "提交作业",
        "Задача",
        "задача",
        "مسألة",
        "ünï",
        "uni",
        "提交作业" * 30,
        "提交作业" * 31,
    ]
    kinds = {name: parse(line(event_type=name)) for name in names}
    assert all(isinstance(found, ClickEvent) for found in kinds.values())
    told = {found.kind for found in kinds.values() if isinstance(found, ClickEvent)}
    assert len(told) == len(names)
    assert all(kind.isascii() and kind.isprintable() and len(kind) <= 100 for kind in told)


def test_the_table_names_each_thing_once_and_each_fact() -> None:
    patterns = [row.pattern for row in rows()]
    assert len(patterns) == len(set(patterns))
    facts = {row.split()[0] for row in kind_table.EVENTS.strip().splitlines() if row.split()[1].startswith("=")}
    assert facts == FACTS - PLATFORM_FACTS - {SCORE_RESET}  # which is a `submitted`
