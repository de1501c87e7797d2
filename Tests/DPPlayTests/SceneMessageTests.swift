import DPDatasets
import DPInterface
import DPPolicy
import DPPushT
import Foundation
import TestSupport
import Testing

@testable import DPPlay

/// Tests of the messages between page and host.
@Suite struct SceneMessageTests {
    private static let commands: [(String, SceneCommand)] = [
        (#"{"type":"run"}"#, .run),
        (#"{"type":"grab","body":"block","at":[250,300.5]}"#, .grab(.block, at: SIMD2(250, 300.5))),
        (#"{"type":"drag","to":[-3,9999]}"#, .drag(to: SIMD2(-3, 9999))),
        (#"{"type":"turn","by":-0.5}"#, .turn(by: -0.5)),
        (#"{"type":"nudge","body":"agent","by":[0,8]}"#, .nudge(.agent, by: SIMD2(0, 8))),
        (#"{"type":"hold"}"#, .hold),
        (#"{"type":"keep","unknown":[1,2]}"#, .keep),
        (
            """
            {"type":"settings","settings":{"sampler":"ddpm","steps":100,"execution_horizon":8,"merging":"linear-blend:4",\
            "latency":3,"samples":8}}
            """,
            .settings(
                PlaySettings(
                    sampler: .ddpm, steps: 100, executionHorizon: 8, merging: .linearBlend(steps: 4), latency: 3,
                    samples: 8))
        ),
        (
            """
            {"type":"settings","settings":{"sampler":"ddim","steps":10,"execution_horizon":8,"merging":null,"latency":0,"samples":1}}
            """,
            .settings(PlaySettings(sampler: .ddim, steps: 10, executionHorizon: 8))
        ),
    ]

    @Test func commandsAreRead() throws {
        for (text, expected) in Self.commands { #expect(try SceneCommand(text: text) == expected) }
    }

    private static let others = [
        ("", "JSON"), ("{}", "\"type\""), ("[1,2]", "command in JSON"), (#"{"type":"fly"}"#, "type"),
        (#"{"type":"grab","body":"block"}"#, "\"at\""), (#"{"type":"grab","body":"goal","at":[1,2]}"#, "body"),
        (#"{"type":"drag","to":[1]}"#, "to"), (#"{"type":"drag","to":[1,2,3]}"#, "[x, y]"),
        (#"{"type":"drag","to":[1,1e6]}"#, "10000 pixels"), (#"{"type":"drag","to":[1,1e999]}"#, "found"),
        (#"{"type":"drag","to":[1,null]}"#, "to"), (#"{"type":"drag","to":["1","2"]}"#, "to"),
        (#"{"type":"turn","by":7}"#, "2π"), (#"{"type":"turn","by":1e400}"#, "found"),
        (#"{"type":"settings"}"#, "\"settings\""),
        (
            #"{"type":"settings","settings":{"sampler":"magic","steps":1,"execution_horizon":1,"merging":"naive-async","latency":0,"samples":1}}"#,
            "sampler"
        ),
        (
            #"{"type":"settings","settings":{"sampler":"ddim","steps":1.5,"execution_horizon":1,"merging":"naive-async","latency":0,"samples":1}}"#,
            "command in JSON"
        ),
        (String(repeating: " ", count: 5000), "4096 bytes"),
        (String(repeating: "[", count: 4000), "command in JSON"),
    ]

    @Test func everythingElseIsRefused() {
        for (text, words) in Self.others {
            let found = message { _ = try SceneCommand(text: text) }
            #expect(found.hasPrefix("command: expected") && found.contains(words), "\(text.prefix(80)): \(found)")
        }
    }

    @Test func messagesAreObjectsWithAType() throws {
        let session = RecordingSession(seed: 3, output: "mine.zarr", saved: .init(episodes: 2, frames: 50))
        let hello = try object(.hello(session.introduction))
        #expect(hello["type"] as? String == "hello")
        #expect(hello["purpose"] as? String == "record")
        #expect(hello["rate"] as? Int == 10)
        let geometry = try #require(hello["geometry"] as? [String: Any])
        #expect(geometry["block"] as? [[Double]] == [[-60, 0, 60, 30], [-15, 30, 15, 120]])
        #expect(geometry["walls"] as? [Double] == [5, 5, 506, 506])
        let frame = try object(.frame(session.frame))
        #expect(frame["type"] as? String == "frame")
        #expect((frame["block"] as? [Double])?.count == 3)
        let recording = try #require(frame["recording"] as? [String: Any])
        #expect(recording["saved_episodes"] as? Int == 2)
        #expect(recording["output"] as? String == "mine.zarr")
        #expect(try object(.problem(SceneProblem(message: "no")))["message"] as? String == "no")
    }

    /// Keys are in snake_case, as in all other machine-readable data, in the host and in the page.
    @Test func keysAreInSnakeCase() throws {
        let playing = PlaySession(StraightPolicy().played { $0.merging = .naiveAsync }, seed: 5)
        let recording = RecordingSession(seed: 3, output: "mine.zarr", saved: .init(episodes: 2, frames: 50))
        var plan = ScenePlan(PlanResult(number: 1, chunks: []), executed: 0..<1, step: 0)
        plan.plans = [[1, 2]]
        let messages: [SceneMessage] = [
            .hello(playing.introduction), .frame(playing.frame), .plan(plan), .hello(recording.introduction),
            .frame(recording.frame), .problem(SceneProblem(message: "no")),
        ]
        var keys: Set<String> = []
        for message in messages { try keys.formUnion(jsonKeys(in: Data(message.text.utf8))) }
        #expect(
            keys.isSuperset(of: ["training_steps", "is_running", "execution_horizon", "saved_frames", "wall_radius"]))
        #expect(keys.filter { $0.contains(where: \.isUppercase) } == [])
        // The page uses the same names.
        let page = PageFile.all.values.map { String(decoding: $0.bytes, as: UTF8.self) }.joined()
        for key in keys where key.contains("_") {
            let inCamelCase = key.replacing(/_(.)/) { $0.1.uppercased() }
            #expect(page.contains(key) && !page.contains("." + inCamelCase), "\(key)")
        }
    }

    private func object(_ message: SceneMessage) throws -> [String: Any] {
        try JSONSerialization.jsonObject(with: Data(message.text.utf8)) as? [String: Any] ?? [:]
    }

    @Test func thePageIsCompleteAndSelfContained() throws {
        let page = try #require(PageFile.all["/"])
        #expect(page.contentType.hasPrefix("text/html"))
        for (path, file) in PageFile.all {
            let text = String(decoding: file.bytes, as: UTF8.self)
            #expect(!text.isEmpty)
            // All referenced files are part of the page, and nothing is fetched from elsewhere.
            for match in text.matches(of: /(?:src|href|from|import)\s*=?\s*"([^"]+)"/) {
                let reference = String(match.1)
                if reference.hasPrefix("data:") { continue }
                let name = reference.replacing("./", with: "")
                #expect(PageFile.all["/\(name)"] != nil, "\(path) refers to \(reference)")
            }
            #expect(!text.contains(/https?:\/\/(?!www\.w3\.org)/), "\(path)")
        }
    }
}
