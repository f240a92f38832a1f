"""The frame of the report's page: its style sheet, and what it says of the method."""

from __future__ import annotations

PAGE = """<!doctype html><html lang='en'><meta charset='utf-8'>
<meta name='viewport' content='width=device-width,initial-scale=1'><meta name='color-scheme' content='light dark'>
<title>{title}</title><style>
:root{--ink:#1c2733;--soft:#566573;--line:#d9dfe5;--ground:#fff;--raised:#f5f7f9;--mark:#e6f0fb;--bar:#b9c4cf}
{light}
@media (prefers-color-scheme:dark){
:root{--ink:#e6ebf0;--soft:#a3b1bf;--line:#36424e;--ground:#12181f;--raised:#1b232c;--mark:#17304a;--bar:#4b5b6b}
{dark}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.55 system-ui,-apple-system,'Segoe UI',sans-serif}
main{max-width:64rem;margin:0 auto;padding:2.5rem 1.25rem 4rem}
h1{font-size:clamp(1.6rem,4vw,2.2rem);line-height:1.2;margin:0 0 .6rem;letter-spacing:-.01em}
h2{font-size:1.45rem;margin:3.5rem 0 .4rem;padding-top:1.2rem;border-top:1px solid var(--line)}
h3{font-size:1.05rem;margin:2.2rem 0 .6rem}
p{max-width:44rem}.lead{font-size:1.08rem;color:var(--soft)}
code{font-size:.92em}
figure{margin:.5rem 0 1.2rem}figcaption,.note,.none{color:var(--soft);font-size:.88rem;max-width:44rem}
.note,.none{margin:.6rem 0 0}
svg{display:block;width:100%;height:auto}
svg text{font:13px system-ui,-apple-system,'Segoe UI',sans-serif;fill:var(--ink)}svg text.small{font-size:12px;fill:var(--soft)}
.grid{stroke:var(--line);fill:none}.zero,.true{stroke:var(--soft);fill:none}.true{stroke-dasharray:3 4}
.line{fill:none;stroke:var(--c);stroke-width:1.7;stroke-linejoin:round}.line.m-engage{stroke-width:3.2}
.line.thin{stroke-width:1.3;opacity:.8}.line:hover{stroke-width:4.5}
.dot{fill:var(--c)}.whisker{stroke:var(--c);stroke-width:1.6;fill:none;opacity:.7}.count{fill:var(--bar)}
.narrow{display:none}
.legend{display:flex;flex-wrap:wrap;gap:.25rem 1.4rem;list-style:none;padding:0;margin:.6rem 0 .5rem;font-size:.88rem}
.legend li{display:flex;align-items:center;gap:.45rem}.legend b{font-variant-numeric:tabular-nums;font-weight:600}
.swatch{width:30px;height:10px;flex:none}
.three{display:grid;grid-template-columns:repeat(auto-fit,minmax(230px,1fr));gap:1rem}
.three p{margin:.1rem 0 0;text-align:center;font-size:.88rem;color:var(--soft)}
.scroll{overflow-x:auto}.scroll:focus-visible{outline:2px solid #3b82d6;outline-offset:3px}
.forest{min-width:560px;max-width:760px}
table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:.9rem;margin:.4rem 0 1.2rem;min-width:100%}
caption{text-align:left;color:var(--soft);font-size:.88rem;padding:.2rem 0 .4rem}
caption span{position:sticky;left:0;display:inline-block;max-width:min(44rem,calc(100vw - 2.2rem))}
th,td{padding:.32rem .65rem;text-align:right;border-bottom:1px solid var(--line);white-space:nowrap}
thead th{color:var(--soft);font-weight:600;white-space:normal;vertical-align:bottom;min-width:3.9rem}
th:first-child{text-align:left;padding-left:.4rem;position:sticky;left:0;background:var(--ground);z-index:1}
tbody th{font-weight:500}tr.ours th,tr.ours td{background:var(--mark)}
.interval{color:var(--soft);font-size:.92em}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(18.5rem,1fr));gap:1rem;margin-top:1rem}
.card{background:var(--raised);border-radius:10px;padding:1rem 1.1rem}
.card h3{margin:0 0 .4rem}.card h3 small{display:block;font-weight:400;color:var(--soft);font-size:.86rem}
.card table{margin:0;min-width:100%}
.card th,.card td{border:0;padding:.15rem 0;background:none;vertical-align:baseline}
.card th:first-child{position:static;padding:0;font-weight:400;color:var(--soft)}
.card .big{font-size:1.25rem;font-weight:650;padding-right:.8rem}
.card .beside{color:var(--soft);font-size:.84rem;white-space:normal}
.card .model{display:block;font-size:.95em}
summary{cursor:pointer;color:var(--ink);font-weight:500;padding:.35rem 0}details{margin:.3rem 0 1rem}
@media (max-width:640px){.wide{display:none}.narrow{display:block}main{padding:1.5rem 1rem 3rem}th,td{padding:.3rem .5rem}}
</style><main>"""

WHAT_IT_SAYS = """<h2 id='method'>How this was done</h2>
<p>After Le, Pardos, Meyer, Thorp, <cite>Communication at Scale in a MOOC Using Predictive Engagement Analytics</cite>
(AIED 2018), on instructor-paced runs and learners who were active by the end of the first week; not course staff. Judged are
those enrolled at the moment asked, by the dated events of the log: the page shows nobody who has unenrolled.</p>
<ul>
<li><b>Divisions.</b> Five folds of courses, or one run left out at a time where there are fewer than ten. Beside it: one whole
course left out, with its learners taken out of training, and forward in time. Every model is judged on the same learners.</li>
<li><b>Single features</b> (<code>days_since_last_event</code>, <code>event_count</code>, <code>points_so_far</code>): one
number as any spreadsheet has it. A model that does not beat these says nothing.</li>
<li><b>The publication's models</b> (<code>logistic_regression</code>, <code>random_forest</code> of 100 trees,
<code>knn</code> of 15 neighbours, their <code>ensemble</code>, <code>lstm_features</code>) read its twelve weekly, additive
features. <code>lstm_published</code> reads the events themselves, one-hot, with a mark at each week's end; 100 hidden units.
They learn from two certified learners for each who is not, without those whose sequences are longer than Q3 + 1.5 IQR of the
certified. The prior that this brings is undone (Saerens 2002, Elkan 2001) before a probability is judged.</li>
<li><code>gradient_boosting</code> reads the twelve features at the natural balance. <code>engage</code> is what
<code>engage train</code> makes; <code>engage_portable</code> says <code>certify</code> from the set of trees that speaks
until a finished run of the site was checked.</li>
<li><b>Nothing of a test fold is known in training:</b> vocabulary, scaling, hyperparameters, blending and calibration come
from inner folds of the training runs. Features see what had happened by the end of the week, and the schedule.</li>
<li><b>leave</b> is asked of those who were active of late, not in the last 14 days of the course or of its log, and not after a
certificate; of those it is asked of few leave in any week, so all runs are ranked together. Long silent learners are
added in the figure of everyone, where the days since the last event say nearly all.</li>
<li><b>Calibration error, plain:</b> over ten groups of equal size; <b>debiased</b> is what remains when the part that chance
brings is taken off (Kumar 2019), the noise floor is what to expect of true probabilities. <b>Slope</b>: of the outcomes'
log-odds over those said; below 1 a model is too sure.</li>
</ul>"""
