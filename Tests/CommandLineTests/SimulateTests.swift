import DPPushT
import DiffusionPolicyKit
import Foundation
import TestSupport
import Testing

/// `dpolicy simulate`.
@Suite struct SimulateTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func write(_ json: String) throws -> String {
        let file = folder("actions-\(UUID().uuidString).json")
        try Data(json.utf8).write(to: file)
        return file.path
    }

    private func records(_ outcome: CommandLineRun.Outcome) throws -> [PushTRecord] {
        try outcome.lines.map { try JSONDecoder().decode(PushTRecord.self, from: Data($0.utf8)) }
    }

    private struct Golden: Decodable {
        struct Case: Decodable {
            struct Step: Decodable {
                let k: Int
                let action: [Double]
                let state: [Double]
                let coverage: Double
                let reward: Double
                let done: Bool
            }
            let seed: Int
            let hold: Int
            let resetState: [Double]
            let resetCoverage: Double
            let steps: [Step]
        }
        let cases: [Case]
    }

    /// The same seed gives another start state in gym-pusht since version 0.1.6.
    @Test func seedsOfGymPushT() throws {
        let actions = try write("[]")
        func start(_ options: String...) throws -> [Double] {
            let outcome = try CommandLineRun(
                ["simulate", "pusht", "--seed", "100000", "--actions", actions] + options
            ).wait()
            return try #require(try records(outcome).first).state
        }
        #expect(try Array(start("--seeds", "gym-pusht")[..<2]) == [113, 100])
        #expect(try Array(start("--seeds", "original")[..<2]) == [235, 124])
        #expect(try Array(start()[..<2]) == [235, 124])
        let wrong = try dpolicy("simulate", "pusht", "--actions", actions, "--seeds", "gym")
        #expect(wrong.status == 64)
        #expect(wrong.errors.contains("gym-pusht"))
    }

    @Test(.enabled(if: Goldens.has("pusht.json"), "pusht.json is not in the goldens"))
    func everyGoldenCase() throws {
        for golden in try Goldens.decode(Golden.self, from: "pusht.json", keys: .convertFromSnakeCase).cases {
            let actions = try write(String(decoding: JSONEncoder().encode(golden.steps.map(\.action)), as: UTF8.self))
            let outcome = try dpolicy(
                "simulate", "pusht", "--seed", "\(golden.seed)", "--actions", actions, "--hold", "\(golden.hold)")
            #expect(outcome.status == 0)
            #expect(outcome.errors.isEmpty)
            let records = try records(outcome)
            try #require(records.count == golden.steps.count * golden.hold + 1)
            #expect(records.map(\.step) == Array(0..<records.count))
            #expect(isClose(records[0].state, golden.resetState))
            #expect(abs(records[0].coverage - golden.resetCoverage) < 1e-5)
            for step in golden.steps {
                let found = records[step.k]
                #expect(isClose(found.state, step.state), "seed \(golden.seed), step \(step.k)")
                #expect(abs(found.coverage - step.coverage) < 1e-5)
                #expect(abs(found.reward - step.reward) < 1e-5)
                #expect(found.done == step.done)
            }
        }
    }

    private func isClose(_ found: [Double], _ expected: [Double]) -> Bool {
        zip(found, expected).enumerated().allSatisfy { index, pair in
            let difference = abs(pair.0 - pair.1)
            return index == 4 ? min(difference, 2 * .pi - difference) < 1e-5 : difference < 1e-3
        }
    }

    @Test func keysAreInOrder() throws {
        let outcome = try dpolicy("simulate", "pusht", "--seed", "3", "--actions", write("[[1, 2]]"))
        let line = try #require(outcome.lines.first)
        let offsets = ["\"step\"", "\"state\"", "\"coverage\"", "\"reward\"", "\"done\""].compactMap {
            line.range(of: $0)?.lowerBound
        }
        #expect(offsets.count == 5)
        #expect(offsets == offsets.sorted())
    }

    @Test func startsAsTheResetOrderSays() throws {
        let actions = try write("[]")
        let legacy = try dpolicy("simulate", "pusht", "--seed", "3", "--actions", actions)
        let same = try dpolicy("simulate", "pusht", "--seed", "3", "--actions", actions, "--reset", "legacy")
        let new = try dpolicy("simulate", "pusht", "--seed", "3", "--actions", actions, "--reset", "new")
        #expect(legacy.lines.count == 1)
        #expect(legacy.output == same.output)
        #expect(legacy.output != new.output)
    }

    @Test func paintsAFrameForEachStep() throws {
        let frames = folder("frames")
        let outcome = try dpolicy(
            "simulate", "pusht", "--actions", write("[[256, 256], [300, 200]]"), "--hold", "2", "--image", frames.path)
        #expect(outcome.status == 0)
        let names = try FileManager.default.contentsOfDirectory(atPath: frames.path).sorted()
        #expect(names == (0...4).map { String(format: "%06d.png", $0) })
        let bytes = try Data(contentsOf: frames.appendingPathComponent(names[4]))
        // Width and height are big-endian at bytes 16 and 20 (PNG specification, 11.2.2).
        #expect(Array(bytes[1..<4]) == Array("PNG".utf8))
        #expect(Array(bytes[16..<24]) == [0, 0, 0, 96, 0, 0, 0, 96])
    }

    @Test(arguments: [
        ("[[1, 2], [3]]", "action 1"), ("[[1, 1e999]]", "JSON array"), ("{}", "JSON array"), ("[[1, 2", "JSON array"),
        ("[[1, 2], [1, null]]", "action 1"), ("[[1e9, 0]]", "action 0"),
    ])
    func refusesActions(_ json: String, _ words: String) throws {
        let outcome = try dpolicy("simulate", "pusht", "--actions", write(json))
        #expect(outcome.status == 1)
        #expect(isOneLine(outcome.errors, with: words))
    }

    @Test func endsQuietlyWhenTheReaderCloses() throws {
        let actions = try write("[\((0..<3000).map { "[\($0 % 512), 100]" }.joined(separator: ","))]")
        let command = "\"\(CommandLineRun.executable.path)\" simulate pusht --actions '\(actions)' | head -1"
        let outcome = try CommandLineRun(["-c", command], executable: URL(fileURLWithPath: "/bin/sh")).wait()
        #expect(outcome.lines.count == 1)
        #expect(outcome.errors.isEmpty)
    }

    @Test func reportsAFullDisk() throws {
        let command = "\"\(CommandLineRun.executable.path)\" simulate pusht --actions '\(try write("[]"))' > /dev/full"
        let outcome = try CommandLineRun(["-c", command], executable: URL(fileURLWithPath: "/bin/sh")).wait()
        #expect(outcome.status == 1)
        #expect(isOneLine(outcome.errors, with: "standard output"))
    }
}
