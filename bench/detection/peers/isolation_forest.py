"""scikit-learn's isolation forest for each token, trained anew on what the token did before the day: each day, unless it
did so little since the last time that it would come to nearly the same."""

import sys

import numpy as np
from sklearn.ensemble import IsolationForest

from streams import tokens

DAY_MS = 86_400_000
# The trailing window. A tree draws 256 of them, as the authors advise.
WINDOW_EVENTS = 2000
WINDOW_MS = 60 * DAY_MS
EVENTS_MIN = 50
# Of the window; training is nearly all of the time.
GROWTH_MIN = 0.05


def scores_of(events):
    points = np.array([event.features for event in events], dtype=np.float32)
    times = np.array([event.at for event in events])
    asked = np.array([event.asked for event in events])
    result = np.full(len(events), np.nan)
    days = times // DAY_MS
    forest, trained_on = None, 0
    for day in np.unique(days[asked]):
        begin = np.searchsorted(days, day)
        today = np.flatnonzero((days == day) & asked)
        first = max(begin - WINDOW_EVENTS, np.searchsorted(times, day * DAY_MS - WINDOW_MS))
        # Without a past, nothing is strange.
        if begin - first < EVENTS_MIN:
            continue
        if forest is None or begin - trained_on >= GROWTH_MIN * (begin - first):
            forest = IsolationForest(n_estimators=50, max_samples=min(256, begin - first), random_state=1)
            forest.fit(points[first:begin])
            trained_on = begin
        result[today] = -forest.score_samples(points[today])
    return result


features, scores = sys.argv[1:]
with open(scores, "w", encoding="utf-8") as out:
    out.write("daily\n")
    for events in tokens(features):
        for score in scores_of(list(events)):
            out.write(f"{'NaN' if np.isnan(score) else score}\n")
