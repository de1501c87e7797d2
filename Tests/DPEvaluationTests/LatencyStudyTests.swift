import DPInterface
import Foundation
import Testing

@testable import DPEvaluation

@Suite("Score and jerk against latency")
struct LatencyStudyTests {
    /// Two merging methods at two latencies, except for one combination.
    private var study: LatencyStudy { study(of: .computation) }

    private func study(of part: SimulatedLatency.Part) -> LatencyStudy {
        var study = LatencyStudy(policy: "the policy")
        let points: [(merging: ChunkMerging, latency: Double, score: Float, jerk: Double)] = [
            (.skipStale, 0, 0.9, 2000), (.linearBlend(steps: 2), 0, 0.875, 1000), (.skipStale, 0.3, 0.5, 8000),
        ]
        for (merging, latency, score, jerk) in points {
            let settings = EvaluationConfiguration(
                episodes: 2, control: ControlConfiguration(merging: merging),
                latency: SimulatedLatency(latency, of: part))
            let episodes = [0, 1].map {
                EpisodeResult(
                    seed: settings.firstSeed + $0, bestReward: score, success: false, steps: 300,
                    jerk: Jerk(boundary: jerk, overall: jerk / 2))
            }
            study.add(
                EvaluationResult(
                    policy: "the policy", settings: settings, episodes: episodes,
                    latency: Latency(median: 1, p99: 2, calls: 3, largestBatch: 2)))
        }
        return study
    }

    @Test("Rows are the merging methods, columns the latencies")
    func table() {
        #expect(study.latencies == [0, 0.3])
        #expect(study.mergings == [.skipStale, .linearBlend(steps: 2)])
        let lines = study.description.split(separator: "\n").map(String.init)
        #expect(lines[0] == "score, by latency")
        #expect(lines[1].split(separator: " ") == ["merging", "0", "ms", "300", "ms"])
        #expect(lines[3].split(separator: " ") == ["skip-stale", "0.900", "±", "0.000", "0.500", "±", "0.000"])
        #expect(lines[4].split(separator: " ") == ["linear-blend:2", "0.875", "±", "0.000", "–"])
        #expect(lines.contains { $0.split(separator: " ") == ["skip-stale", "2.0", "8.0"] })
        #expect(study.result(.skipStale, at: 0.3)?.score == 0.5)
        #expect(study.result(.naiveAsync, at: 0.3) == nil)
    }

    @Test("Tables and plots name the latency that was varied")
    func late() {
        let study = study(of: .action)
        #expect(study.description.hasPrefix("score, by action latency\n"))
        #expect(study.plot(of: .score).horizontalLabel == "action latency, ms")
    }

    @Test("Plots have a line for each merging method, in milliseconds")
    func plots() {
        let plot = study.plot(of: .boundaryJerk)
        #expect(plot.series.map(\.name) == ["skip-stale", "linear-blend:2"])
        #expect(plot.series[0].points == [.init(x: 0, y: 2), .init(x: 300, y: 8)])
        #expect(plot.series[1].points == [.init(x: 0, y: 1)])
    }

    @Test("The folder holds results, tables and pictures")
    func files() throws {
        let folder = try TemporaryFolder()
        let url = folder.url.appendingPathComponent("a/b")
        try study.write(to: url)
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: url.path).sorted() == [
                "latency-jerk.svg", "latency-overall-jerk.svg", "latency-score.svg", "latency.json", "latency.md",
            ])
        let read = try JSONDecoder().decode(
            LatencyStudy.self, from: Data(contentsOf: url.appendingPathComponent("latency.json")))
        #expect(read == study)
        let page = try String(contentsOf: url.appendingPathComponent("latency.md"), encoding: .utf8)
        #expect(page.contains("| merging | 0 ms | 300 ms |\n| --- | ---: | ---: |\n| skip-stale | 0.900 ± 0.000"))
        #expect(page.contains("(latency-score.svg)") && page.contains("seeds 100000 to 100001"))
    }
}
