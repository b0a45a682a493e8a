"""River's half-space trees for each token, behind the scaling to 0..1 that they need."""

import sys

from river import anomaly, preprocessing

from streams import tokens

features, scores = sys.argv[1:]
with open(scores, "w", encoding="utf-8") as out:
    out.write("scaled\n")
    for events in tokens(features):
        scaler = preprocessing.MinMaxScaler()
        trees = anomaly.HalfSpaceTrees(n_trees=25, height=8, window_size=250, seed=1)
        for event in events:
            point = dict(enumerate(event.features))
            scaler.learn_one(point)
            scaled = scaler.transform_one(point)
            # Scoring changes nothing, and costs as much as learning.
            out.write(f"{trees.score_one(scaled) if event.asked else 'NaN'}\n")
            trees.learn_one(scaled)
