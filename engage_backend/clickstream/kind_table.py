"""What each kind of record counts as: one table for requests, one for blocks' handlers, one for named events.

A record counts as one of three:

  a click      activity of the learner in the course. The second column is its kind.
  =score       a fact about a score or a hand-in (`scores.py` says what it does), =roster one about who is enrolled. Its kind
               is the event's name. Never activity.
  ! REASON     neither. The word is a `Reason`; `docs/what-counts.md` is this table with the reasons spelled out.

First match wins, top to bottom. **A request that no row names is not activity.** A record says that something was asked
for, not that it was answered, and one click often writes several records: each row says by itself whether its record is
the one that counts, so that neither order nor loss of the others matters.

In a path `{course}` is a course key (old or new), `{usage}` a usage key, `{id}` one segment, `{hex}` a segment of six or
more hexadecimal digits, `{document}` the rest of a path that ends like a document, `{rest}` any
letters, `**` any rest behind a slash; a trailing slash never
matters. A kind may name the block's `{type}` and the called `{handler}`. The third column says where the path is written:

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
info                                      info                     pub      info
courseware/**                             courseware               pub      courseware/chapter12/section/
jump_to_id/**                             jump_to_id               pub      jump_to_id/546876
jump_to/**                                jump_to_id               lms      jump_to/i4x://MITx/6.002x/problem/H10P1
course/**                                 home                     exp      course/
home                                      home                     pub      home
about                                     !OUTSIDE                 pub      about
progress                                  progress                 pub      progress
progress/{id}                             !COURSE_TEAM             lms      progress/17/
dates/**                                  dates                    lms      dates
wiki/**                                   wiki                     pub      wiki/glossary/
course_wiki/**                            wiki                     lms      course_wiki
pdfbook/**                                pdf_book                 pub      pdfbook/0/chapter/2/17
htmlbook/**                               html_book                lms      htmlbook/0/chapter/2/
book/**                                   book_page                lms      book/0/17
syllabus                                  syllabus                 lms      syllabus
survey                                    !OUTSIDE                 lms      survey
discussion/forum                          forum_home               pub      discussion/forum
discussion/forum/search                   forum_search             pub      discussion/forum/search
discussion/forum/users/**                 forum_users              pub      discussion/forum/users/17/followed
discussion/forum/{id}/inline              forum_inline             pub      discussion/forum/i4x-MITx-6_002x/inline
discussion/forum/{id}/threads/{id}/**     thread_view              pub      discussion/forum/i4x-546652/threads/0000f169
discussion/forum/**                       forum_home               forum1   discussion/forum/discussion_board_fragment_view
discussion/upload                         forum_upload             pub      discussion/upload
discussion/users                          forum_users              pub      discussion/users
discussion/topics                         !COURSE_TEAM             seen     discussion/topics
discussion/{id}/threads/create            thread_create            pub      discussion/general/threads/create
discussion/threads/{id}/update            thread_update            pub      discussion/threads/54fe/update
discussion/threads/{id}/reply             thread_reply             pub      discussion/threads/54fe/reply
discussion/threads/{id}/delete            thread_delete            pub      discussion/threads/54fe/delete
discussion/threads/{id}/upvote            thread_upvote            pub      discussion/threads/54fe/upvote
discussion/threads/{id}/downvote          thread_downvote          forum    discussion/threads/54fe/downvote
discussion/threads/{id}/unvote            thread_unvote            pub      discussion/threads/54fe/unvote
discussion/threads/{id}/follow            thread_follow            pub      discussion/threads/54fe/follow
discussion/threads/{id}/unfollow          thread_unfollow          pub      discussion/threads/54fe/unfollow
discussion/threads/{id}/pin               thread_pin               pub      discussion/threads/54fe/pin
discussion/threads/{id}/unpin             thread_unpin             forum    discussion/threads/54fe/unpin
discussion/threads/{id}/flagAbuse         thread_flag              pub      discussion/threads/54fe/flagAbuse
discussion/threads/{id}/unFlagAbuse       thread_unflag            forum    discussion/threads/54fe/unFlagAbuse
discussion/threads/{id}/close             thread_close             pub      discussion/threads/54fe/close
discussion/threads/{id}                   thread_view              pub      discussion/threads/54fe
discussion/comments/{id}/update           comment_update           pub      discussion/comments/54fe/update
discussion/comments/{id}/reply            comment_reply            pub      discussion/comments/54fe/reply
discussion/comments/{id}/delete           comment_delete           pub      discussion/comments/54fe/delete
discussion/comments/{id}/upvote           comment_upvote           pub      discussion/comments/54fe/upvote
discussion/comments/{id}/downvote         comment_downvote         forum    discussion/comments/54fe/downvote
discussion/comments/{id}/unvote           comment_unvote           pub      discussion/comments/54fe/unvote
discussion/comments/{id}/endorse          comment_endorse          pub      discussion/comments/54fe/endorse
discussion/comments/{id}/flagAbuse        comment_flag             pub      discussion/comments/54fe/flagAbuse
discussion/comments/{id}/unFlagAbuse      comment_unflag           forum    discussion/comments/54fe/unFlagAbuse
discussion/comments/{id}                  comment_view             pub      discussion/comments/54fe
discussion/{id}/follow                    topic_follow             forum    discussion/general/follow
discussion/{id}/unfollow                  topic_unfollow           forum    discussion/general/unfollow
discussion/**                             forum_home               forum1   discussion/
xblock/{usage}/handler/xmodule_handler/{handler}  handler:{type}:{handler}  lms      xblock/block-v1:A+B+C+type@poll_question+block@p/handler/xmodule_handler/yes
xblock/{usage}/handler/{handler}/**       handler:{type}:{handler}  seen     xblock/block-v1:A+B+C+type@done+block@d/handler/toggle_button
xblock/{usage}/handler_noauth/{handler}/**  handler:{type}:{handler}  lms      xblock/block-v1:A+B+C+type@lti_consumer+block@d/handler_noauth/lti_1p3_access_token
xblock/{usage}/view/{id}                  xblock_view:{type}       lms      xblock/block-v1:A+B+C+type@video+block@v/view/student_view
modx/{usage}/{handler}                    handler:{type}:{handler}  pub      modx/i4x://MITx/6.002x/graphical_slider/H10P1/slide
xqueue/**                                 !NOT_A_CLICK             lms      xqueue/17/i4x://MITx/6.002x/problem/H10P1/score_update
edxnotes                                  notes                    app      edxnotes/
edxnotes/**                               !ONE_CLICK               app      edxnotes/notes/
bookmarks/**                              bookmarks                exp      bookmarks/
teams/**                                  teams                    app      teams/
generate_user_cert                        !OUTSIDE                 lms      generate_user_cert
courseware-search/enabled                 !BESIDE                  lms      courseware-search/enabled/
{id}/toggles                              !BESIDE                  lms      courseware-navigation-sidebar/toggles/
calendar_sync                             !OUTSIDE                 app      calendar_sync
lti_tab/{id}                              static_tab               lms      lti_tab/1f0a-77/
tab/{id}                                  static_tab               lms      tab/discussion/
instructor/**                             !COURSE_TEAM             seen     instructor/api/list_instructor_tasks
instructor_dashboard/**                   !COURSE_TEAM             pub      instructor_dashboard
masquerade                                !COURSE_TEAM             seen     masquerade
discussions/settings                      !COURSE_TEAM             seen     discussions/settings
cohorts/**                                !COURSE_TEAM             lms      cohorts/3/add
set_course_mode_price                     !COURSE_TEAM             lms      set_course_mode_price
enroll_staff                              !COURSE_TEAM             lms      enroll_staff
submission_history/**                     !COURSE_TEAM             lms      submission_history/anna/i4x://MITx/6.002x/problem/H10P1
lti_rest_endpoints                        !COURSE_TEAM             lms      lti_rest_endpoints/
gradebook/**                              !COURSE_TEAM             pub      gradebook/50
spoc_gradebook/**                         !COURSE_TEAM             pub      spoc_gradebook
grade_summary                             !COURSE_TEAM             pub      grade_summary
enroll_students                           !COURSE_TEAM             pub      enroll_students
ccx_coach/**                              !COURSE_TEAM             ccx      ccx_coach
ccx_schedule                              !COURSE_TEAM             ccx      ccx_schedule
ccx_gradebook                             !COURSE_TEAM             ccx      ccx_gradebook
{hex}                                     static_tab               lms      77a5b6/
..                                        !OUTSIDE                 lms      ..
"""  # noqa: E501

# Whole paths
OTHER_PAGES = """
/engage/**                                                !OUR_OWN              us       /engage/api/v1/courses/course-v1:A+B+C/predictions
/api/courseware/sequence/{usage}/**                       courseware            cw       /api/courseware/sequence/block-v1:A+B+C+type@sequential+block@s
/api/courseware/**                                        !BESIDE               cw       /api/courseware/course/course-v1:A+B+C
/api/course_home/**/unsubscribe_from_course_goal/**       !OUTSIDE              home     /api/course_home/unsubscribe_from_course_goal/0f1e-77
/api/course_home/**/outline/{course}                      home                  seen     /api/course_home/outline/course-v1:A+B+C
/api/course_home/**/dates/{course}                        dates                 home     /api/course_home/dates/course-v1:A+B+C
/api/course_home/**/progress/{course}/{id}                !COURSE_TEAM          home     /api/course_home/progress/course-v1:A+B+C/17/
/api/course_home/**/progress/{course}                     progress              home     /api/course_home/v1/progress/course-v1:A+B+C
/api/course_home/**                                       !BESIDE               home     /api/course_home/course_metadata/course-v1:A+B+C
/api/course_experience/**/reset_course_deadlines          reset_deadlines       app      /api/course_experience/v1/reset_course_deadlines
/api/course_experience/**                                 !BESIDE               app      /api/course_experience/v1/course_deadlines_info/course-v1:A+B+C
/api/learning_sequences/**                                !BESIDE               app      /api/learning_sequences/v1/course_outline/course-v1:A+B+C
/api/courses/{course}/bulk_enable_disable_discussions     !COURSE_TEAM          cms      /api/courses/course-v1:A+B+C/bulk_enable_disable_discussions
/api/courses/**                                           !BESIDE               seen     /api/courses/v2/blocks/
/xblock/{usage}/handler/{handler}/**                      !COURSE_TEAM          cms      /xblock/block-v1:A+B+C+type@done+block@d/handler/toggle
/xblock/outline/{usage}                                   !COURSE_TEAM          cms      /xblock/outline/block-v1:A+B+C+type@course+block@course
/xblock/container/{usage}                                 !COURSE_TEAM          cms      /xblock/container/block-v1:A+B+C+type@vertical+block@v
/xblock/{usage}/{id}/**                                   !COURSE_TEAM          cms      /xblock/block-v1:A+B+C+type@done+block@d/studio_view
/xblock/{usage}                                           xblock_view:{type}    seen     /xblock/block-v1:A+B+C+type@vertical+block@v
/api/xblock/{id}/xblocks/{usage}/view/{id}                xblock_view:{type}    app      /api/xblock/v2/xblocks/block-v1:A+B+C+type@video+block@v/view/student_view/
/api/xblock/{id}/xblocks/{usage}/handler/{id}/{handler}/**  handler:{type}:{handler}  app      /api/xblock/v2/xblocks/block-v1:A+B+C+type@done+block@d/handler/17-ab/toggle/
/videos/embed/{usage}                                     xblock_view:{type}    lms      /videos/embed/block-v1:A+B+C+type@video+block@v
/videos/{usage}                                           xblock_view:{type}    lms      /videos/block-v1:A+B+C+type@video+block@v
/asset-v1:{document}                                      document              lms      /asset-v1:A+B+C+type@asset+block@notes.pdf
/assets/courseware/{document}                             document              lms      /assets/courseware/v1/0f1e2d/asset-v1:A+B+C+type@asset+block/notes.pdf
/c4x/{document}                                           document              lms      /c4x/MITx/6.002x/asset/notes.pdf
/asset-v1:{rest}                                              !BESIDE               lms      /asset-v1:A+B+C+type@asset+block@logo.png
/assets/courseware/**                                     !BESIDE               lms      /assets/courseware/v1/0f1e2d/asset-v1:A+B+C+type@asset+block/logo.png
/c4x/**                                                   !BESIDE               lms      /c4x/MITx/6.002x/asset/logo.png
/api/discussion/{id}/threads/{id}/**                      !ONE_CLICK            forum2   /api/discussion/v1/threads/5c9f/
/api/discussion/{id}/threads                              forum_home            forum2   /api/discussion/v1/threads/
/api/discussion/{id}/comments/{id}/**                     !ONE_CLICK            forum2   /api/discussion/v1/comments/5c9f/
/api/discussion/{id}/comments                             forum_comments        forum2   /api/discussion/v1/comments/
/api/discussion/{id}/course_topics/{course}               forum_topics          forum2   /api/discussion/v3/course_topics/course-v1:A+B+C
/api/discussion/{id}/courses/{course}/settings            !COURSE_TEAM          forum2   /api/discussion/v1/courses/course-v1:A+B+C/settings
/api/discussion/{id}/courses/{course}/roles/**            !COURSE_TEAM          forum2   /api/discussion/v1/courses/course-v1:A+B+C/roles/Moderator/
/api/discussion/{id}/bulk_delete_user_posts/**            !COURSE_TEAM          forum2   /api/discussion/v1/bulk_delete_user_posts/course-v1:A+B+C
/api/discussion/**                                        !BESIDE               forum2   /api/discussion/v1/courses/course-v1:A+B+C/
/api/grades/{id}/gradebook/**                             !COURSE_TEAM          app      /api/grades/v1/gradebook/course-v1:A+B+C/
/api/grades/{id}/submission_history/**                    !COURSE_TEAM          app      /api/grades/v1/submission_history/course-v1:A+B+C/
/api/grades/{id}/subsection/**                            !COURSE_TEAM          app      /api/grades/v1/subsection/block-v1:A+B+C+type@sequential+block@s/
/api/grades/**                                            !BESIDE               seen     /api/grades/v1/courses/course-v1:A+B+C/
/api/ora_staff_grader/**                                  !COURSE_TEAM          app      /api/ora_staff_grader/initialize
/openassessment/fileupload/**                             ora_file              app      /openassessment/fileupload/submissions_attachments/0f1e/course-v1:A+B+C/x
/api/edxnotes/**                                          !ONE_CLICK            app      /api/edxnotes/v1/annotations/
/api/bookmarks/**                                         !ONE_CLICK            app      /api/bookmarks/v1/bookmarks/
/api/team/{id}/bulk_team_membership/**                    !COURSE_TEAM          app      /api/team/v0/bulk_team_membership/course-v1:A+B+C
/api/team/{id}/team_membership/{id}                       !ONE_CLICK            app      /api/team/v0/team_membership/blue,anna
/api/team/**                                              teams                 app      /api/team/v0/teams/
/api/mobile/**/course_status_info/{course}                mobile                app      /api/mobile/v1/users/anna/course_status_info/course-v1:A+B+C
/api/mobile/**                                            !BESIDE               app      /api/mobile/v4/course_info/course-v1:A+B+C/info
/api/learning_assistant/{id}/course_id/{course}           assistant_message     app      /api/learning_assistant/v1/course_id/course-v1:A+B+C
/api/learning_assistant/**                                !BESIDE               app      /api/learning_assistant/v1/course_id/course-v1:A+B+C/history
/api/notifications/preferences/**                         !OUTSIDE              app      /api/notifications/preferences/update/0f1e/
/api/edx_proctoring/**                                    !BESIDE               app      /api/edx_proctoring/v1/proctored_exam/attempt/course_id/course-v1:A+B+C
/api/completion/**                                        !BESIDE               app      /api/completion/v1/completion-batch
/api/notifications/**                                     !BESIDE               app      /api/notifications/count/
/api/user_tours/**                                        !BESIDE               app      /api/user_tours/v1/anna
/api/agreements/**                                        !BESIDE               app      /api/agreements/v1/integrity_signature/course-v1:A+B+C
/api/val/**                                               !BESIDE               app      /api/val/v0/videos/missing-hls/
/search/course_discovery/**                               !OUTSIDE              app      /search/course_discovery/
/search/{course}                                          course_search         app      /search/course-v1:A+B+C
/search/**                                                !OUTSIDE              app      /search/course_autocomplete
/wiki/**                                                  wiki                  lms      /wiki/course-v1:A+B+C/
/lti_provider/**                                          lti_launch            lms      /lti_provider/courses/course-v1:A+B+C/block-v1:A+B+C+type@problem+block@p
/courses                                                  !OUTSIDE              lms      /courses
/change_enrollment/**                                     !OUTSIDE              lms      /change_enrollment
/api/enrollment/**                                        !OUTSIDE              lms      /api/enrollment/v1/enrollment/course-v1:A+B+C
/api/course_modes/**                                      !OUTSIDE              lms      /api/course_modes/v1/courses/course-v1:A+B+C/
/course_modes/**                                          !OUTSIDE              lms      /course_modes/choose/course-v1:A+B+C/
/verify_student/**                                        !OUTSIDE              lms      /verify_student/start-flow/course-v1:A+B+C/
/commerce/**                                              !OUTSIDE              lms      /commerce/checkout/cancel/
/api/commerce/**                                          !OUTSIDE              lms      /api/commerce/v1/courses/course-v1:A+B+C/
/api/discounts/**                                         !OUTSIDE              lms      /api/discounts/course/course-v1:A+B+C
/api/credit/**                                            !OUTSIDE              lms      /api/credit/v1/eligibility/
/api/experiments/**                                       !OUTSIDE              lms      /api/experiments/v0/custom/REV-934/
/enterprise/**                                            !OUTSIDE              lms      /enterprise/0f1e/course/course-v1:A+B+C/enroll/
/embargo/**                                               !OUTSIDE              lms      /embargo/blocked-message/enrollment/default/
/survey/**                                                !OUTSIDE              lms      /survey/entry/
/dashboard{rest}                                          !OUTSIDE              lms      /dashboard
/api/learner_home/**                                      !OUTSIDE              lms      /api/learner_home/init/
/account/**                                               !OUTSIDE              lms      /account/finish_auth
/api/user/**                                              !OUTSIDE              lms      /api/user/v1/accounts/anna
/u/**                                                     !OUTSIDE              lms      /u/anna
/api/profile_images/**                                    !OUTSIDE              lms      /api/profile_images/v1/anna/upload
/login{rest}                                              !OUTSIDE              lms      /login
/register/**                                              !OUTSIDE              lms      /register
/logout/**                                                !OUTSIDE              lms      /logout
/oauth2/**                                                !OUTSIDE              lms      /oauth2/access_token
/i18n/**                                                  !OUTSIDE              lms      /i18n/setlang/
/lang_pref/**                                             !OUTSIDE              lms      /lang_pref/session_language
/api/change_email_settings/**                             !OUTSIDE              lms      /api/change_email_settings
/bulk_email/email/optout/**                               !OUTSIDE              lms      /bulk_email/email/optout/0f1e/course-v1:A+B+C/
/notification_prefs/**                                    !OUTSIDE              lms      /notification_prefs/enable/
/enrollment{rest}                                         !OUTSIDE              app      /enrollment_api/course-v1:A+B+C
/certificates/activation/**                               !COURSE_TEAM          cms      /certificates/activation/course-v1:A+B+C/
/certificates/course/**                                   !OUTSIDE              app      /certificates/course/course-v1:A+B+C
/certificates/{course}/**                                 !COURSE_TEAM          cms      /certificates/course-v1:A+B+C/3
/certificates/**                                          !OUTSIDE              app      /certificates/0f1e2d3c
/api/certificates/**                                      !OUTSIDE              app      /api/certificates/v0/certificates/anna/courses/course-v1:A+B+C/
/api/instructor/**                                        !COURSE_TEAM          app      /api/instructor/v2/courses/course-v1:A+B+C
/api/instructor_task/**                                   !COURSE_TEAM          app      /api/instructor_task/v1/schedules/course-v1:A+B+C/bulk_email/
/api/cohorts/**                                           !COURSE_TEAM          lms      /api/cohorts/v1/settings/course-v1:A+B+C
/api/bulk_enroll/**                                       !COURSE_TEAM          lms      /api/bulk_enroll/v1/bulk_enroll/
/api/ccx/**                                               !COURSE_TEAM          lms      /api/ccx/v0/ccx/
/api/contentstore/**                                      !COURSE_TEAM          cms      /api/contentstore/v1/course_settings/course-v1:A+B+C
/instructor_task_status/**                                !COURSE_TEAM          lms      /instructor_task_status/
/support/**                                               !COURSE_TEAM          lms      /support/course_reset/anna
/admin/**                                                 !COURSE_TEAM          lms      /admin/courseware/studentmodule/17/
/studio/**                                                !COURSE_TEAM          us       /studio/course-v1:A+B+C
/preview/xblock/**                                        !COURSE_TEAM          seen     /preview/xblock/block-v1:A+B+C+type@done+block@d/handler/click
/container/**                                             !COURSE_TEAM          seen     /container/block-v1:A+B+C+type@vertical+block@v
/container_embed/**                                       !COURSE_TEAM          seen     /container_embed/block-v1:A+B+C+type@vertical+block@v
/course/{course}/**                                       !COURSE_TEAM          cms      /course/course-v1:A+B+C
/course_team/**                                           !COURSE_TEAM          cms      /course_team/course-v1:A+B+C/anna@example.com
/course_info/**                                           !COURSE_TEAM          cms      /course_info/course-v1:A+B+C
/course_info_update/**                                    !COURSE_TEAM          cms      /course_info_update/course-v1:A+B+C/3
/course_rerun/**                                          !COURSE_TEAM          cms      /course_rerun/course-v1:A+B+C
/course_notifications/**                                  !COURSE_TEAM          cms      /course_notifications/course-v1:A+B+C/3
/checklists/**                                            !COURSE_TEAM          cms      /checklists/course-v1:A+B+C
/orphan/**                                                !COURSE_TEAM          cms      /orphan/course-v1:A+B+C
/assets/{course}/**                                       !COURSE_TEAM          cms      /assets/course-v1:A+B+C/
/import/**                                                !COURSE_TEAM          cms      /import/course-v1:A+B+C
/import_status/**                                         !COURSE_TEAM          cms      /import_status/course-v1:A+B+C/a.tar.gz
/export/**                                                !COURSE_TEAM          cms      /export/course-v1:A+B+C
/export_output/**                                         !COURSE_TEAM          cms      /export_output/course-v1:A+B+C
/export_status/**                                         !COURSE_TEAM          cms      /export_status/course-v1:A+B+C
/export_git/**                                            !COURSE_TEAM          cms      /export_git/course-v1:A+B+C
/tabs/**                                                  !COURSE_TEAM          cms      /tabs/course-v1:A+B+C
/settings/**                                              !COURSE_TEAM          cms      /settings/grading/course-v1:A+B+C/2
/textbooks/**                                             !COURSE_TEAM          cms      /textbooks/course-v1:A+B+C/3
/videos/{course}/**                                       !COURSE_TEAM          cms      /videos/course-v1:A+B+C/77-ab
/generate_video_upload_link/**                            !COURSE_TEAM          cms      /generate_video_upload_link/course-v1:A+B+C
/video_images/**                                          !COURSE_TEAM          cms      /video_images/course-v1:A+B+C/77-ab
/video_encodings_download/**                              !COURSE_TEAM          cms      /video_encodings_download/course-v1:A+B+C
/transcript_preferences/**                                !COURSE_TEAM          cms      /transcript_preferences/course-v1:A+B+C
/transcript_credentials/**                                !COURSE_TEAM          cms      /transcript_credentials/course-v1:A+B+C
/transcript_delete/**                                     !COURSE_TEAM          cms      /transcript_delete/course-v1:A+B+C/77-ab/en
/group_configurations/**                                  !COURSE_TEAM          cms      /group_configurations/course-v1:A+B+C/3
"""  # noqa: E501

# Handlers of blocks that do not count, by block type (`*`: any) and the handler's name; why, and the record that counts
# for the same click. Every other handler of a block is a click: blocks of third parties often write nothing else.
HANDLERS = """
problem           problem_check                !ONE_CLICK    problem_check of the server
problem           problem_show                 !ONE_CLICK    showanswer
problem           problem_save                 !ONE_CLICK    save_problem_success, save_problem_fail
problem           problem_reset                !ONE_CLICK    reset_problem, reset_problem_fail
problem           hint_button                  !ONE_CLICK    edx.problem.hint.demandhint_displayed
problem           problem_get                  !BESIDE       each rendering asks for it
problem           input_ajax                   !BESIDE       sent while somebody types
problem           score_update                 !NOT_A_CLICK  sent by an external grader
sequential        goto_position                !ONE_CLICK    seq_goto, seq_next, seq_prev, edx.ui.lms.sequence.*
video             save_user_state              !BESIDE       a timer; play_video, pause_video and so on count
video             transcript                   !BESIDE       goes with the player
video             yt_video_metadata            !BESIDE       goes with the player
*                 publish_completion           !BESIDE       a timer, or the block came into view
*                 get_completion               !BESIDE       goes with a page
*                 student_view_user_state      !BESIDE       goes with a page
openassessment    submit                       !ONE_CLICK    openassessmentblock.create_submission
openassessment    submission                   !ONE_CLICK    openassessmentblock.create_submission, save_submission
openassessment    save_submission              !ONE_CLICK    openassessmentblock.save_submission
openassessment    assessment                   !ONE_CLICK    openassessmentblock.peer_assess, self_assess
openassessment    peer_assess                  !ONE_CLICK    openassessmentblock.peer_assess
openassessment    self_assess                  !ONE_CLICK    openassessmentblock.self_assess
openassessment    file                         !ONE_CLICK    openassessmentblock.* of the same act
openassessment    save_files_descriptions      !ONE_CLICK    openassessmentblock.* of the same act
openassessment    remove_uploaded_file         !ONE_CLICK    openassessmentblock.remove_uploaded_file
openassessment    submit_feedback              !ONE_CLICK    openassessmentblock.submit_feedback_on_assessments
openassessment    render_*                     !BESIDE       eight or nine a view
openassessment    get_block_info               !BESIDE       goes with a page
openassessment    get_learner_data             !BESIDE       goes with a page
openassessment    upload_url                   !BESIDE       goes with an upload
openassessment    download_url                 !BESIDE       goes with an upload
openassessment    publish_event                !ONE_CLICK    the named event
openassessment    waiting_step_data            !BESIDE       goes with a page
openassessment    check_released               !BESIDE       goes with a page
openassessment    get_student_username         !BESIDE       goes with a page
openassessment    staff_assess                 !COURSE_TEAM  work of the course team
drag-and-drop-v2  publish_event                !ONE_CLICK    the named event
lti               outcome_service_handler      !NOT_A_CLICK  a tool sends a grade
lti               lti_2_0_result_rest_handler  !NOT_A_CLICK  a tool sends a grade
lti_consumer      outcome_service_handler      !NOT_A_CLICK  a tool sends a grade
lti_consumer      result_service_handler       !NOT_A_CLICK  a tool sends a grade
lti_consumer      lti_2_0_result_rest_handler  !NOT_A_CLICK  a tool sends a grade
"""

# Named events. `*` is any rest; a name without a row of its own is a click of that name (the last row), unless it was
# written in a request that is itself a click: then that request counts. Facts are believed of the server alone.
# The person of a fact is `event.user_id`: whose score or enrolment it is, not who caused it. Sources are files of
# edx-platform, but for `acts`, the event reference of the documentation, and `ora2`, edx-ora2.
EVENTS = """
problem_check                                  problem_check_correct, problem_check_incorrect  xmodule/capa_block.py
problem_graded                                 !BROWSER_TWIN               the server's problem_check counts
problem_show                                   !BROWSER_TWIN               showanswer counts
problem_save                                   !BROWSER_TWIN               save_problem_success, save_problem_fail count
problem_reset                                  !BROWSER_TWIN               reset_problem, reset_problem_fail count
load_video                                     !BESIDE                     the player loads by itself
edx.video.loaded                               !BESIDE                     the player loads by itself
page_close                                     !BESIDE                     the page that comes next counts
edx.ui.lms.outline.*                           !ONE_CLICK                  the page's request counts
edx.course.search.initiated                    !ONE_CLICK                  the request /search/{course} counts
edx.course.search.results_displayed            !ONE_CLICK                  the request /search/{course} counts
edx.course.student_notes.notes_page_viewed     !ONE_CLICK                  the page's request counts
edx.drag_and_drop_v2.loaded                    !BESIDE                     written on each view
edx.grades.problem.submitted                   =score                      lms/djangoapps/grades/events.py
edx.grades.problem.rescored                    =score                      lms/djangoapps/grades/events.py
edx.grades.problem.score_overridden            =score                      lms/djangoapps/grades/events.py
edx.grades.problem.state_deleted               =score                      lms/djangoapps/grades/events.py
edx.grades.subsection.score_overridden         =score                      lms/djangoapps/grades/events.py
problem_delete_state                           =score                      lms/djangoapps/instructor_task/tasks_helper/module_state.py
edx.course.enrollment.activated                =roster                     common/djangoapps/student/models/course_enrollment.py
edx.course.enrollment.deactivated              =roster                     common/djangoapps/student/models/course_enrollment.py
edx.course.enrollment.mode_changed             =roster                     common/djangoapps/student/models/course_enrollment.py
edx.grades.*                                   !NOT_A_CLICK                lms/djangoapps/grades/events.py
edx.course.grade.*                             !NOT_A_CLICK                lms/djangoapps/grades/events.py
edx.course.enrollment.*                        !NOT_A_CLICK                acts
edx.course.goal.*                              !NOT_A_CLICK                lms/djangoapps/course_goals
edx.certificate.*                              !NOT_A_CLICK                lms/djangoapps/certificates/utils.py
edx.badge.*                                    !NOT_A_CLICK                lms/djangoapps/badges
edx.cohort.*                                   !NOT_A_CLICK                openedx/core/djangoapps/course_groups/cohorts.py
edx.completion.*                               !NOT_A_CLICK                completion/models.py
edx.librarycontentblock.*                      !NOT_A_CLICK                xmodule/library_content_block.py
edx.problem.hint.feedback_displayed            !NOT_A_CLICK                xmodule/capa_block.py
engage.platform.*                              !NOT_A_CLICK                us: names of what a comparison with the platform finds
edx.ace.*                                      !NOT_A_CLICK                openedx/core/djangoapps/ace_common
edx.bulk_email.*                               !NOT_A_CLICK                lms/djangoapps/bulk_email/tasks.py
edx.notifications.*                            !NOT_A_CLICK                openedx/core/djangoapps/notifications/events.py
edx.bi.*                                       !NOT_A_CLICK                acts
edx.user.*                                     !OUTSIDE                    openedx/core/djangoapps/user_authn
edx.instructor.*                               !COURSE_TEAM                lms/djangoapps/instructor/views/api.py
problem_rescore*                               !NOT_A_CLICK                lms/djangoapps/instructor_task/tasks_helper/module_state.py
problem_reset_attempts*                        !NOT_A_CLICK                lms/djangoapps/instructor_task/tasks_helper/module_state.py
problem_override_score*                        !NOT_A_CLICK                lms/djangoapps/instructor_task/tasks_helper/module_state.py
openassessmentblock.staff_assess               !COURSE_TEAM                ora2
openassessmentblock.get_submission_for_staff_grading  !COURSE_TEAM                ora2
openassessmentblock.*                          openassessmentblock.*       ora2
showanswer                                     showanswer                  xmodule/capa_block.py
edx.ui.lms.sequence.tab_selected               seq_goto                    common/djangoapps/track/transformers.py
edx.ui.lms.sequence.next_selected              seq_next                    common/djangoapps/track/transformers.py
edx.ui.lms.sequence.previous_selected          seq_prev                    common/djangoapps/track/transformers.py
edx.video.played                               play_video                  common/djangoapps/track/transformers.py
edx.video.paused                               pause_video                 common/djangoapps/track/transformers.py
edx.video.stopped                              stop_video                  common/djangoapps/track/transformers.py
edx.video.position.changed                     seek_video                  common/djangoapps/track/transformers.py
edx.video.seeked                               seek_video                  common/djangoapps/track/transformers.py
edx.video.transcript.shown                     show_transcript             common/djangoapps/track/transformers.py
edx.video.transcript.hidden                    hide_transcript             common/djangoapps/track/transformers.py
edx.video.language_menu.shown                  video_show_cc_menu          common/djangoapps/track/transformers.py
edx.video.language_menu.hidden                 video_hide_cc_menu          common/djangoapps/track/transformers.py
play_video                                     play_video                  acts
pause_video                                    pause_video                 acts
edx.forum.*                                    edx.forum.*                 acts; not within a page of the legacy forum, whose request counts
edx.bookmark.*                                 edx.bookmark.*              acts
edx.course.student_notes.*                     edx.course.student_notes.*  acts
edx.team.*                                     edx.team.*                  acts
*                                              *                           any other name
"""  # noqa: E501
