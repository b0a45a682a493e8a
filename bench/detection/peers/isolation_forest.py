"""scikit-learn's isolation forest for each token, trained anew each day on what the token did before it."""

import sys

import numpy as np
from sklearn.ensemble import IsolationForest

from streams import tokens

DAY_MS = 86_400_000
# The trailing window. A tree draws 256 of them, as the authors advise.
WINDOW_EVENTS = 2000
WINDOW_MS = 60 * DAY_MS
EVENTS_MIN = 50


def scores_of(events):
    points = np.array([event.features for event in events], dtype=np.float32)
    times = np.array([event.at for event in events])
    asked = np.array([event.asked for event in events])
    result = np.full(len(events), np.nan)
    days = times // DAY_MS
    for day in np.unique(days[asked]):
        begin = np.searchsorted(days, day)
        today = np.flatnonzero((days == day) & asked)
        first = max(begin - WINDOW_EVENTS, np.searchsorted(times, day * DAY_MS - WINDOW_MS))
        # Without a past, nothing is strange.
        if begin - first < EVENTS_MIN:
            continue
        forest = IsolationForest(n_estimators=50, max_samples=min(256, begin - first), random_state=1)
        forest.fit(points[first:begin])
        result[today] = -forest.score_samples(points[today])
    return result


features, scores = sys.argv[1:]
with open(scores, "w", encoding="utf-8") as out:
    out.write("daily\n")
    for events in tokens(features):
        for score in scores_of(list(events)):
            out.write(f"{'NaN' if np.isnan(score) else score}\n")
