"""The table of paths: which request means what, where that path is written, and one example of each.

First match wins, top to bottom. `{course}` is a course key (old or new), `{usage}` a usage key, `{id}` one segment,
`**` any rest; a trailing slash never matters. A kind may name the block's `{type}` and the called `{handler}`. A kind
with `!` is no click of a learner: the word is a `Reason`. Sources:

  pub       the list of the published system, for courses up to 2018
  lms       lms/urls.py of edx-platform               forum    lms/djangoapps/discussion/django_comment_client/base/urls.py
  forum1    lms/djangoapps/discussion/urls.py (2017)  forum2   lms/djangoapps/discussion/rest_api/urls.py
  home      lms/djangoapps/course_home_api/urls.py    cw       openedx/core/djangoapps/courseware_api/urls.py
  ccx       lms/djangoapps/ccx/urls.py                cms      cms/urls.py
  exp       openedx/features/course_experience/urls.py, course_bookmarks/urls.py
  app       the urls.py of the app that the path names, included from lms/urls.py
  seen      the real log of a Teak LMS                 us       this distribution
"""

from __future__ import annotations

# Below /courses/{course}/; `..` is that address itself.
COURSE_PAGES = """
info                                     info                    pub     info
courseware/**                            courseware              pub     courseware/chapter12/section/
jump_to_id/**                            jump_to_id              pub     jump_to_id/546876
jump_to/**                               jump_to_id              lms     jump_to/i4x://MITx/6.002x/problem/H10P1
course/**                                home                    exp     course/
home                                     home                    pub     home
about                                    about                   pub     about
progress                                 progress                pub     progress
progress/{id}                            !COURSE_TEAM            lms     progress/17/
dates/**                                 dates                   lms     dates
wiki/**                                  wiki                    pub     wiki/glossary/
course_wiki/**                           wiki                    lms     course_wiki
pdfbook/**                               pdf_book                pub     pdfbook/0/chapter/2/17
htmlbook/**                              html_book               lms     htmlbook/0/chapter/2/
book/**                                  book_page               lms     book/0/17
syllabus                                 syllabus                lms     syllabus
survey                                   survey                  lms     survey
discussion/forum                         forum_home              pub     discussion/forum
discussion/forum/search                  forum_search            pub     discussion/forum/search
discussion/forum/users/**                forum_users             pub     discussion/forum/users/17/followed
discussion/forum/{id}/inline             forum_inline            pub     discussion/forum/i4x-MITx-6_002x/inline
discussion/forum/{id}/threads/{id}/**    thread_view             pub     discussion/forum/i4x-546652/threads/0000f169
discussion/forum/**                      forum_home              forum1  discussion/forum/discussion_board_fragment_view
discussion/upload                        forum_upload            pub     discussion/upload
discussion/users                         forum_users             pub     discussion/users
discussion/topics                        !COURSE_TEAM            seen    discussion/topics
discussion/{id}/threads/create           thread_create           pub     discussion/general/threads/create
discussion/threads/{id}/update           thread_update           pub     discussion/threads/54fe/update
discussion/threads/{id}/reply            thread_reply            pub     discussion/threads/54fe/reply
discussion/threads/{id}/delete           thread_delete           pub     discussion/threads/54fe/delete
discussion/threads/{id}/upvote           thread_upvote           pub     discussion/threads/54fe/upvote
discussion/threads/{id}/downvote         thread_downvote         forum   discussion/threads/54fe/downvote
discussion/threads/{id}/unvote           thread_unvote           pub     discussion/threads/54fe/unvote
discussion/threads/{id}/follow           thread_follow           pub     discussion/threads/54fe/follow
discussion/threads/{id}/unfollow         thread_unfollow         pub     discussion/threads/54fe/unfollow
discussion/threads/{id}/pin              thread_pin              pub     discussion/threads/54fe/pin
discussion/threads/{id}/unpin            thread_unpin            forum   discussion/threads/54fe/unpin
discussion/threads/{id}/flagAbuse        thread_flag             pub     discussion/threads/54fe/flagAbuse
discussion/threads/{id}/unFlagAbuse      thread_unflag           forum   discussion/threads/54fe/unFlagAbuse
discussion/threads/{id}/close            thread_close            pub     discussion/threads/54fe/close
discussion/threads/{id}                  thread_view             pub     discussion/threads/54fe
discussion/comments/{id}/update          comment_update          pub     discussion/comments/54fe/update
discussion/comments/{id}/reply           comment_reply           pub     discussion/comments/54fe/reply
discussion/comments/{id}/delete          comment_delete          pub     discussion/comments/54fe/delete
discussion/comments/{id}/upvote          comment_upvote          pub     discussion/comments/54fe/upvote
discussion/comments/{id}/downvote        comment_downvote        forum   discussion/comments/54fe/downvote
discussion/comments/{id}/unvote          comment_unvote          pub     discussion/comments/54fe/unvote
discussion/comments/{id}/endorse         comment_endorse         pub     discussion/comments/54fe/endorse
discussion/comments/{id}/flagAbuse       comment_flag            pub     discussion/comments/54fe/flagAbuse
discussion/comments/{id}/unFlagAbuse     comment_unflag          forum   discussion/comments/54fe/unFlagAbuse
discussion/comments/{id}                 comment_view            pub     discussion/comments/54fe
discussion/{id}/follow                   topic_follow            forum   discussion/general/follow
discussion/{id}/unfollow                 topic_unfollow          forum   discussion/general/unfollow
discussion/**                            forum_home              forum1  discussion/
xblock/{usage}/handler/xmodule_handler/{handler}  handler:{type}:{handler}  lms  xblock/block-v1:A+B+C+type@problem+block@p/handler/xmodule_handler/problem_check
xblock/{usage}/handler/{handler}/**      handler:{type}:{handler}  seen  xblock/block-v1:A+B+C+type@done+block@d/handler/toggle_button
xblock/{usage}/handler_noauth/{handler}/**  handler:{type}:{handler}  lms  xblock/block-v1:A+B+C+type@lti+block@d/handler_noauth/grade_handler
xblock/{usage}/view/{id}                 xblock_view:{type}      lms     xblock/block-v1:A+B+C+type@video+block@v/view/student_view
modx/{usage}/{handler}                   handler:{type}:{handler}  pub   modx/i4x://MITx/6.002x/problem/H10P1/problem_get
xqueue/**                                !NOT_A_CLICK            lms     xqueue/17/i4x://MITx/6.002x/problem/H10P1/score_update
edxnotes/**                              notes                   app     edxnotes/notes/
bookmarks/**                             bookmarks               exp     bookmarks/
teams/**                                 teams                   app     teams/
generate_user_cert                       certificate_request     lms     generate_user_cert
courseware-search/enabled                toggle_lookup           lms     courseware-search/enabled/
courseware-navigation-sidebar/toggles    toggle_lookup           lms     courseware-navigation-sidebar/toggles/
calendar_sync                            calendar_sync           app     calendar_sync
lti_tab/{id}                             static_tab              lms     lti_tab/1f0a-77/
tab/{id}                                 static_tab              lms     tab/discussion/
instructor/**                            !COURSE_TEAM            seen    instructor/api/list_instructor_tasks
instructor_dashboard/**                  !COURSE_TEAM            pub     instructor_dashboard
masquerade                               !COURSE_TEAM            seen    masquerade
discussions/settings                     !COURSE_TEAM            seen    discussions/settings
cohorts/**                               !COURSE_TEAM            lms     cohorts/3/add
set_course_mode_price                    !COURSE_TEAM            lms     set_course_mode_price
enroll_staff                             !COURSE_TEAM            lms     enroll_staff
submission_history/**                    !COURSE_TEAM            lms     submission_history/anna/i4x://MITx/6.002x/problem/H10P1
lti_rest_endpoints                       !COURSE_TEAM            lms     lti_rest_endpoints/
gradebook/**                             !COURSE_TEAM            pub     gradebook/50
spoc_gradebook/**                        !COURSE_TEAM            pub     spoc_gradebook
grade_summary                            !COURSE_TEAM            pub     grade_summary
enroll_students                          !COURSE_TEAM            pub     enroll_students
ccx_coach/**                             !COURSE_TEAM            ccx     ccx_coach
ccx_schedule                             !COURSE_TEAM            ccx     ccx_schedule
ccx_gradebook                            !COURSE_TEAM            ccx     ccx_gradebook
{id}                                     static_tab              lms     77a5b6/
..                                       about                   lms     ..
"""  # noqa: E501

# Whole paths
OTHER_PAGES = """
/engage/**                                    !OUR_OWN             us      /engage/api/v1/courses/course-v1:A+B+C/predictions
/api/courseware/course/{course}/**            courseware_metadata  seen    /api/courseware/course/course-v1:A+B+C
/api/courseware/sequence/{usage}/**           courseware           cw      /api/courseware/sequence/block-v1:A+B+C+type@sequential+block@s
/api/courseware/resume/{course}/**            courseware_resume    cw      /api/courseware/resume/course-v1:A+B+C
/api/courseware/celebration/{course}/**       celebration          cw      /api/courseware/celebration/course-v1:A+B+C
/api/course_home/**/course_metadata/{course}  course_metadata      home    /api/course_home/course_metadata/course-v1:A+B+C
/api/course_home/**/outline/{course}          home                 seen    /api/course_home/outline/course-v1:A+B+C
/api/course_home/**/navigation/{course}       course_navigation    home    /api/course_home/v1/navigation/course-v1:A+B+C
/api/course_home/**/dates/{course}            dates                home    /api/course_home/dates/course-v1:A+B+C
/api/course_home/**/progress/{course}/{id}    !COURSE_TEAM         home    /api/course_home/progress/course-v1:A+B+C/17/
/api/course_home/**/progress/{course}         progress             home    /api/course_home/v1/progress/course-v1:A+B+C
/api/course_home/**/save_course_goal          course_goal          home    /api/course_home/save_course_goal
/api/course_home/**                           course_home_other    home    /api/course_home/dismiss_welcome_message
/api/learning_sequences/{id}/course_outline/{course}  course_outline  app  /api/learning_sequences/v1/course_outline/course-v1:A+B+C
/api/courses/{id}/blocks/**                   course_outline       seen    /api/courses/v2/blocks/
/api/courses/{id}/courses/{course}            course_metadata      app     /api/courses/v1/courses/course-v1:A+B+C/
/api/course_experience/**                     course_home_other    app     /api/course_experience/v1/reset_course_deadlines
/xblock/{usage}/handler/{handler}/**          !COURSE_TEAM         cms     /xblock/block-v1:A+B+C+type@done+block@d/handler/toggle
/xblock/outline/{usage}                       !COURSE_TEAM         cms     /xblock/outline/block-v1:A+B+C+type@course+block@course
/xblock/container/{usage}                     !COURSE_TEAM         cms     /xblock/container/block-v1:A+B+C+type@vertical+block@v
/xblock/{usage}/{id}/**                       !COURSE_TEAM         cms     /xblock/block-v1:A+B+C+type@done+block@d/studio_view
/xblock/{usage}                               xblock_view:{type}   seen    /xblock/block-v1:A+B+C+type@vertical+block@v
/api/xblock/{id}/xblocks/{usage}/view/{id}    xblock_view:{type}   app     /api/xblock/v2/xblocks/block-v1:A+B+C+type@video+block@v/view/student_view/
/api/xblock/{id}/xblocks/{usage}/handler/{id}/{handler}/**  handler:{type}:{handler}  app  /api/xblock/v2/xblocks/block-v1:A+B+C+type@done+block@d/handler/17-ab/toggle/
/videos/embed/{usage}                         xblock_view:{type}   lms     /videos/embed/block-v1:A+B+C+type@video+block@v
/videos/{usage}                               xblock_view:{type}   lms     /videos/block-v1:A+B+C+type@video+block@v
/api/discussion/{id}/threads/{id}             thread_view          forum2  /api/discussion/v1/threads/5c9f/
/api/discussion/{id}/threads                  forum_home           forum2  /api/discussion/v1/threads/
/api/discussion/{id}/comments/{id}            comment_view         forum2  /api/discussion/v1/comments/5c9f/
/api/discussion/{id}/comments                 forum_comments       forum2  /api/discussion/v1/comments/
/api/discussion/{id}/course_topics/{course}   forum_topics         forum2  /api/discussion/v3/course_topics/course-v1:A+B+C
/api/discussion/{id}/courses/{course}/upload  forum_upload         forum2  /api/discussion/v1/courses/course-v1:A+B+C/upload
/api/discussion/{id}/courses/{course}/learner  forum_users         forum2  /api/discussion/v1/courses/course-v1:A+B+C/learner/
/api/discussion/{id}/courses/{course}/activity_stats  forum_users  forum2  /api/discussion/v1/courses/course-v1:A+B+C/activity_stats/
/api/discussion/{id}/courses/{course}/settings  !COURSE_TEAM       forum2  /api/discussion/v1/courses/course-v1:A+B+C/settings
/api/discussion/{id}/courses/{course}/roles/**  !COURSE_TEAM       forum2  /api/discussion/v1/courses/course-v1:A+B+C/roles/Moderator/
/api/discussion/{id}/bulk_delete_user_posts/**  !COURSE_TEAM       forum2  /api/discussion/v1/bulk_delete_user_posts/course-v1:A+B+C
/api/discussion/{id}/courses/{course}         forum_settings       forum2  /api/discussion/v1/courses/course-v1:A+B+C/
/api/grades/{id}/gradebook/**                 !COURSE_TEAM         app     /api/grades/v1/gradebook/course-v1:A+B+C/
/api/grades/{id}/submission_history/**        !COURSE_TEAM         app     /api/grades/v1/submission_history/course-v1:A+B+C/
/api/grades/{id}/subsection/**                !COURSE_TEAM         app     /api/grades/v1/subsection/block-v1:A+B+C+type@sequential+block@s/
/api/grades/{id}/policy/courses/{course}      grading_policy       app     /api/grades/v1/policy/courses/course-v1:A+B+C/
/api/grades/{id}/courses/{course}             grades               seen    /api/grades/v1/courses/course-v1:A+B+C/
/api/edxnotes/**                              notes                app     /api/edxnotes/v1/retire_user/
/api/bookmarks/**                             bookmarks            app     /api/bookmarks/v1/bookmarks/
/api/team/**                                  teams                app     /api/team/v0/teams/
/api/enrollment/**                            enrollment_lookup    seen    /api/enrollment/v1/enrollment/course-v1:A+B+C
/api/course_modes/**                          enrollment_lookup    app     /api/course_modes/v1/courses/course-v1:A+B+C/
/api/certificates/**                          certificate          app     /api/certificates/v0/certificates/anna/courses/course-v1:A+B+C/
/certificates/activation/**                   !COURSE_TEAM         cms     /certificates/activation/course-v1:A+B+C/
/certificates/{course}/**                     !COURSE_TEAM         cms     /certificates/course-v1:A+B+C/3
/certificates/**                              certificate          app     /certificates/course/course-v1:A+B+C
/api/mobile/**/updates                        info                 app     /api/mobile/v1/course_info/course-v1:A+B+C/updates
/api/mobile/**/handouts                       info                 app     /api/mobile/v1/course_info/course-v1:A+B+C/handouts
/api/mobile/**                                mobile               app     /api/mobile/v4/course_info/course-v1:A+B+C/info
/api/completion/**                            completion_mark      app     /api/completion/v1/completion-batch
/api/notifications/**                         notifications        app     /api/notifications/count/
/api/agreements/**                            agreements           app     /api/agreements/v1/integrity_signature/course-v1:A+B+C
/api/learning_assistant/**                    learning_assistant   app     /api/learning_assistant/v1/course_id/course-v1:A+B+C
/search/{course}                              course_search        app     /search/course-v1:A+B+C
/wiki/**                                      wiki                 lms     /wiki/course-v1:A+B+C/
/course_modes/**                              enrollment_choice    lms     /course_modes/choose/course-v1:A+B+C/
/verify_student/**                            verification         lms     /verify_student/start-flow/course-v1:A+B+C/
/lti_provider/**                              lti_launch           lms     /lti_provider/courses/course-v1:A+B+C/block-v1:A+B+C+type@problem+block@p
/api/instructor/**                            !COURSE_TEAM         app     /api/instructor/v2/courses/course-v1:A+B+C
/api/instructor_task/**                       !COURSE_TEAM         app     /api/instructor_task/v1/schedules/course-v1:A+B+C/bulk_email/
/api/cohorts/**                               !COURSE_TEAM         lms     /api/cohorts/v1/settings/course-v1:A+B+C
/api/bulk_enroll/**                           !COURSE_TEAM         lms     /api/bulk_enroll/v1/bulk_enroll/
/api/ccx/**                                   !COURSE_TEAM         lms     /api/ccx/v0/ccx/
/api/contentstore/**                          !COURSE_TEAM         cms     /api/contentstore/v1/course_settings/course-v1:A+B+C
/api/courses/{course}/bulk_enable_disable_discussions  !COURSE_TEAM  cms   /api/courses/course-v1:A+B+C/bulk_enable_disable_discussions
/instructor_task_status/**                    !COURSE_TEAM         lms     /instructor_task_status/
/support/**                                   !COURSE_TEAM         lms     /support/course_reset/anna
/admin/**                                     !COURSE_TEAM         lms     /admin/courseware/studentmodule/17/
/studio/**                                    !COURSE_TEAM         us      /studio/course-v1:A+B+C
/preview/xblock/**                            !COURSE_TEAM         seen    /preview/xblock/block-v1:A+B+C+type@done+block@d/handler/click
/container/**                                 !COURSE_TEAM         seen    /container/block-v1:A+B+C+type@vertical+block@v
/container_embed/**                           !COURSE_TEAM         seen    /container_embed/block-v1:A+B+C+type@vertical+block@v
/course/{course}/**                           !COURSE_TEAM         cms     /course/course-v1:A+B+C
/course_team/**                               !COURSE_TEAM         cms     /course_team/course-v1:A+B+C/anna@example.com
/course_info/**                               !COURSE_TEAM         cms     /course_info/course-v1:A+B+C
/course_info_update/**                        !COURSE_TEAM         cms     /course_info_update/course-v1:A+B+C/3
/course_rerun/**                              !COURSE_TEAM         cms     /course_rerun/course-v1:A+B+C
/course_notifications/**                      !COURSE_TEAM         cms     /course_notifications/course-v1:A+B+C/3
/checklists/**                                !COURSE_TEAM         cms     /checklists/course-v1:A+B+C
/orphan/**                                    !COURSE_TEAM         cms     /orphan/course-v1:A+B+C
/assets/{course}/**                           !COURSE_TEAM         cms     /assets/course-v1:A+B+C/
/import/**                                    !COURSE_TEAM         cms     /import/course-v1:A+B+C
/import_status/**                             !COURSE_TEAM         cms     /import_status/course-v1:A+B+C/a.tar.gz
/export/**                                    !COURSE_TEAM         cms     /export/course-v1:A+B+C
/export_output/**                             !COURSE_TEAM         cms     /export_output/course-v1:A+B+C
/export_status/**                             !COURSE_TEAM         cms     /export_status/course-v1:A+B+C
/export_git/**                                !COURSE_TEAM         cms     /export_git/course-v1:A+B+C
/tabs/**                                      !COURSE_TEAM         cms     /tabs/course-v1:A+B+C
/settings/**                                  !COURSE_TEAM         cms     /settings/grading/course-v1:A+B+C/2
/textbooks/**                                 !COURSE_TEAM         cms     /textbooks/course-v1:A+B+C/3
/videos/{course}/**                           !COURSE_TEAM         cms     /videos/course-v1:A+B+C/77-ab
/generate_video_upload_link/**                !COURSE_TEAM         cms     /generate_video_upload_link/course-v1:A+B+C
/video_images/**                              !COURSE_TEAM         cms     /video_images/course-v1:A+B+C/77-ab
/video_encodings_download/**                  !COURSE_TEAM         cms     /video_encodings_download/course-v1:A+B+C
/transcript_preferences/**                    !COURSE_TEAM         cms     /transcript_preferences/course-v1:A+B+C
/transcript_credentials/**                    !COURSE_TEAM         cms     /transcript_credentials/course-v1:A+B+C
/transcript_delete/**                         !COURSE_TEAM         cms     /transcript_delete/course-v1:A+B+C/77-ab/en
/group_configurations/**                      !COURSE_TEAM         cms     /group_configurations/course-v1:A+B+C/3
"""  # noqa: E501

# Explicit events whose name is not their kind. `*` is any rest. All names that do not stand here are kinds themselves.
# Facts about scores are no clicks either: `names.FACTS`.
# What the platform computes, sends or enrols is `!NOT_A_CLICK`: a message that Engage sends must never look like a
# learner who came back. Sources are files of edx-platform, but for `acts`, the event reference of the documentation.
EVENTS = """
problem_check                            problem_check_correct problem_check_incorrect  xmodule/capa_block.py
edx.grades.problem.submitted             edx.grades.problem.submitted  lms/djangoapps/grades/events.py
edx.grades.problem.rescored              edx.grades.problem.rescored  lms/djangoapps/grades/events.py
edx.grades.problem.score_overridden      edx.grades.problem.score_overridden  lms/djangoapps/grades/events.py
edx.grades.problem.state_deleted         edx.grades.problem.state_deleted  lms/djangoapps/grades/events.py
edx.grades.subsection.score_overridden   edx.grades.subsection.score_overridden  lms/djangoapps/grades/events.py
edx.grades.*                             !NOT_A_CLICK            lms/djangoapps/grades/events.py
edx.course.grade.*                       !NOT_A_CLICK            lms/djangoapps/grades/events.py
edx.completion.*                         !NOT_A_CLICK            completion/models.py
edx.ace.*                                !NOT_A_CLICK            openedx/core/djangoapps/ace_common
edx.bulk_email.*                         !NOT_A_CLICK            lms/djangoapps/bulk_email/tasks.py
edx.notifications.*                      !NOT_A_CLICK            openedx/core/djangoapps/notifications/events.py
edx.course.enrollment.activated          !NOT_A_CLICK            common/djangoapps/student/models/course_enrollment.py
edx.course.enrollment.deactivated        !NOT_A_CLICK            common/djangoapps/student/models/course_enrollment.py
edx.course.enrollment.mode_changed       !NOT_A_CLICK            common/djangoapps/student/models/course_enrollment.py
edx.course.enrollment.upgrade.succeeded  !NOT_A_CLICK            acts
edx.certificate.created                  !NOT_A_CLICK            lms/djangoapps/certificates/utils.py
edx.certificate.revoked                  !NOT_A_CLICK            acts
edx.badge.assertion.created              !NOT_A_CLICK            lms/djangoapps/badges
edx.cohort.*                             !NOT_A_CLICK            openedx/core/djangoapps/course_groups/cohorts.py
edx.librarycontentblock.content.*        !NOT_A_CLICK            xmodule/library_content_block.py
edx.instructor.*                         !COURSE_TEAM            lms/djangoapps/instructor/views/api.py
problem_delete_state                     problem_delete_state    lms/djangoapps/instructor_task/tasks_helper/module_state.py
problem_rescore*                         !NOT_A_CLICK            lms/djangoapps/instructor_task/tasks_helper/module_state.py
edx.ui.lms.sequence.tab_selected         seq_goto                common/djangoapps/track/transformers.py
edx.ui.lms.sequence.next_selected        seq_next                common/djangoapps/track/transformers.py
edx.ui.lms.sequence.previous_selected    seq_prev                common/djangoapps/track/transformers.py
edx.video.played                         play_video              common/djangoapps/track/transformers.py
edx.video.paused                         pause_video             common/djangoapps/track/transformers.py
edx.video.stopped                        stop_video              common/djangoapps/track/transformers.py
edx.video.loaded                         load_video              common/djangoapps/track/transformers.py
edx.video.position.changed               seek_video              common/djangoapps/track/transformers.py
edx.video.seeked                         seek_video              common/djangoapps/track/transformers.py
edx.video.transcript.shown               show_transcript         common/djangoapps/track/transformers.py
edx.video.transcript.hidden              hide_transcript         common/djangoapps/track/transformers.py
edx.video.language_menu.shown            video_show_cc_menu      common/djangoapps/track/transformers.py
edx.video.language_menu.hidden           video_hide_cc_menu      common/djangoapps/track/transformers.py
"""
