package peer;

import com.amazon.randomcutforest.RandomCutForest;
import com.amazon.randomcutforest.config.ForestMode;
import com.amazon.randomcutforest.config.TransformMethod;
import com.amazon.randomcutforest.parkservices.ThresholdedRandomCutForest;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Two Random Cut Forests for each token, one after another: a plain one on the features as they are (they are logarithms, flags and unit
 * vectors), and the thresholded one that normalises each feature by its own running mean and deviation. Both score an event before they
 * learn it.
 */
public final class CutForest {
    private static final int TREES = 50;
    private static final int SAMPLE = 256;
    private static final int OUTPUT_AFTER = 32;
    /** Columns before the features: token, time, whether the score is asked for. */
    private static final int LEADING = 3;

    private CutForest() {}

    public static void main(String[] args) throws IOException {
        try (BufferedReader features = Files.newBufferedReader(Path.of(args[0]));
                BufferedWriter scores = Files.newBufferedWriter(Path.of(args[1]))) {
            int dimensions = features.readLine().split("\t").length - LEADING;
            scores.write("plain\tnormalised\n");
            String token = null;
            RandomCutForest plain = null;
            ThresholdedRandomCutForest normalised = null;
            for (String line = features.readLine(); line != null; line = features.readLine()) {
                String[] words = line.split("\t");
                if (!words[0].equals(token)) {
                    token = words[0];
                    plain = plainForest(dimensions);
                    normalised = normalisedForest(dimensions);
                }
                double[] point = new double[dimensions];
                for (int i = 0; i < dimensions; i++) point[i] = Double.parseDouble(words[LEADING + i]);
                double score = plain.getAnomalyScore(point);
                plain.update(point);
                double other = normalised.process(point, Long.parseLong(words[1])).getRCFScore();
                scores.write(score + "\t" + other + "\n");
            }
        }
    }

    private static RandomCutForest plainForest(int dimensions) {
        return RandomCutForest.builder()
                .dimensions(dimensions)
                .numberOfTrees(TREES)
                .sampleSize(SAMPLE)
                .outputAfter(OUTPUT_AFTER)
                .randomSeed(1)
                .build();
    }

    private static ThresholdedRandomCutForest normalisedForest(int dimensions) {
        return ThresholdedRandomCutForest.builder()
                .dimensions(dimensions)
                .shingleSize(1)
                .numberOfTrees(TREES)
                .sampleSize(SAMPLE)
                .outputAfter(OUTPUT_AFTER)
                .randomSeed(1)
                .forestMode(ForestMode.STANDARD)
                .transformMethod(TransformMethod.NORMALIZE)
                .build();
    }
}
