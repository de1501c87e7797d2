import DPBase
import DPEvaluation
import Foundation
import Testing

@Suite("evaluation.json and the table")
struct EvaluationResultTests {
    @Test("The JSON has the keys that scripts rely on")
    func keys() throws {
        let original = result("shipped", [0.5, 1, 0.75])
        let json = try #require(try JSONSerialization.jsonObject(with: original.json()) as? [String: Any])
        #expect(json["score"] as? Double == 0.75)
        #expect(abs(try #require(json["success_rate"] as? Double) - 1 / 3) < 1e-12)
        let episodes = try #require(json["episodes"] as? [[String: Any]])
        #expect(episodes.count == 3)
        #expect(episodes[1]["seed"] as? Int == 100_001)
        #expect(episodes[1]["best_reward"] as? Double == 1)
        #expect(episodes[1]["success"] as? Bool == true)
        #expect(episodes[1]["steps"] as? Int == 300)
        let latency = try #require(json["latency_ms"] as? [String: Any])
        #expect(latency["median"] as? Double == 1.5 && latency["p99"] as? Double == 2.5)
        #expect((json["score_interval"] as? [String: Double])?.keys.sorted() == ["lower", "upper"])
        #expect(json["clamped_actions"] as? Int == 0)
        #expect((json["settings"] as? [String: Any])?["first_seed"] as? Int == 100_000)
    }

    @Test("A result survives writing to a file and reading it")
    func roundTrip() throws {
        let folder = try TemporaryFolder()
        let file = folder.url.appendingPathComponent("evaluation.json")
        for original in [result("one", [0.3]), result("three", [0.1, 0.97, 0.7])] {
            try original.write(to: file)
            #expect(try EvaluationResult(contentsOf: file) == original)
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path) == ["evaluation.json"])
    }

    @Test("The error for a file that is not a result names the file and the key")
    func unreadable() throws {
        let folder = try TemporaryFolder()
        let file = folder.url.appendingPathComponent("evaluation.json")
        try Data(#"{"policy": "x"}"#.utf8).write(to: file)
        let error = #expect(throws: InputError.self) { try EvaluationResult(contentsOf: file) }
        #expect("\(error!)".contains("evaluation.json") && "\(error!)".contains("settings: is missing"))
    }

    @Test("The error for a folder that does not exist names it")
    func unwritable() {
        let error = #expect(throws: FileSystemError.self) {
            try result("x", [1]).write(to: URL(fileURLWithPath: "/nonexistent/evaluation.json"))
        }
        #expect("\(error!)".hasPrefix("cannot write /nonexistent/evaluation.json"))
    }

    @Test("The table is aligned and complete")
    func table() {
        let text = ResultTable([result("DDPM 100", [0.5, 1, 0.75]), result("b", [0.25])]).description
        let lines = text.split(separator: "\n")
        #expect(lines.count == 4)
        #expect(Set(lines.map(\.count)).count == 1)
        #expect(lines[2].hasPrefix("DDPM 100  0.750"))
        #expect(lines[2].contains("33.3 %") && lines[2].contains("1.50") && lines[2].contains("2.50"))
        #expect(lines[3].contains("–"))
    }
}

/// A temporary folder that is removed when its owner is freed.
final class TemporaryFolder {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory.appendingPathComponent("evaluation-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }
}
