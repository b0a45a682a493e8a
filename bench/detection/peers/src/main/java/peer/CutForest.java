package peer;

import com.amazon.randomcutforest.RandomCutForest;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A Random Cut Forest for each token, on the features as they are: logarithms, flags and unit vectors. An event is scored before it is learnt.
 * The thresholded forest, which normalises each feature by its running mean and deviation, caught no more at 1 and less at 0.1 false alerts a
 * token-month on the three small logs on which both were tried, and took longer than this one.
 */
public final class CutForest {
    private static final int TREES = 50;
    private static final int SAMPLE = 256;
    private static final int OUTPUT_AFTER = 32;
    /** Columns before the features: token, time, whether the score is asked for. */
    private static final int LEADING = 3;
    private static final int ASKED = 2;

    private CutForest() {}

    public static void main(String[] args) throws IOException {
        try (BufferedReader features = Files.newBufferedReader(Path.of(args[0]));
                BufferedWriter scores = Files.newBufferedWriter(Path.of(args[1]))) {
            int dimensions = features.readLine().split("\t").length - LEADING;
            scores.write("plain\n");
            String token = null;
            RandomCutForest forest = null;
            for (String line = features.readLine(); line != null; line = features.readLine()) {
                String[] words = line.split("\t");
                if (!words[0].equals(token)) {
                    token = words[0];
                    forest = forest(dimensions);
                }
                double[] point = new double[dimensions];
                for (int i = 0; i < dimensions; i++) point[i] = Double.parseDouble(words[LEADING + i]);
                // Scoring changes nothing, and takes its time.
                scores.write(words[ASKED].equals("1") ? forest.getAnomalyScore(point) + "\n" : "NaN\n");
                forest.update(point);
            }
        }
    }

    private static RandomCutForest forest(int dimensions) {
        return RandomCutForest.builder()
                .dimensions(dimensions)
                .numberOfTrees(TREES)
                .sampleSize(SAMPLE)
                .outputAfter(OUTPUT_AFTER)
                .randomSeed(1)
                .build();
    }
}
