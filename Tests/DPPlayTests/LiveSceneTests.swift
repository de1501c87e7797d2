import DPDatasets
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import DPPlay

/// Collects the messages to a page, on any thread.
private final class Listener: @unchecked Sendable {
    private let condition = NSCondition()
    private var messages: [[String: Any]] = []

    func hear(_ text: String) {
        let message = try? JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
        condition.withLock {
            messages.append(message ?? [:])
            condition.broadcast()
        }
    }

    /// Waits for a matching message; returns nil after a timeout.
    func waitFor(_ isRight: ([String: Any]) -> Bool) -> [String: Any]? {
        let end = Date().addingTimeInterval(60)
        return condition.withLock {
            while true {
                if let found = messages.first(where: isRight) { return found }
                guard condition.wait(until: end) else { return nil }
            }
        }
    }

    func waitFor(type: String, _ isRight: @escaping ([String: Any]) -> Bool = { _ in true }) -> [String: Any]? {
        waitFor { $0["type"] as? String == type && isRight($0) }
    }

    /// The seeds of all frames.
    var seeds: Set<Int> { condition.withLock { Set(messages.compactMap { $0["seed"] as? Int }) } }

    /// The newest frame.
    var newest: [String: Any]? { condition.withLock { messages.last { $0["type"] as? String == "frame" } } }

    var types: [String] { condition.withLock { messages.compactMap { $0["type"] as? String } } }
}

/// Sends `hold` commands for a page until stopped.
private final class Renewals: Sendable {
    private let isStopped = Mutex(false)
    private let end = DispatchSemaphore(value: 0)

    init(of scene: LiveScene, page: Int) {
        Thread.detachNewThread { [self] in
            while !isStopped.withLock({ $0 }) {
                scene.receive(#"{"type":"hold"}"#, from: page)
                usleep(20_000)
            }
            end.signal()
        }
    }

    func stop() {
        isStopped.withLock { $0 = true }
        end.wait()
    }
}

/// Tests of scenes in real time.
@Suite struct LiveSceneTests {
    @Test func sendsTheSceneToAPage() throws {
        let scene = LiveScene(playing: StraightPolicy().played(), seed: 5)
        let (first, second) = (Listener(), Listener())
        let page = scene.connect { first.hear($0) }
        #expect(first.types.prefix(2) == ["hello", "frame"])
        let plan = try #require(first.waitFor(type: "plan"))
        #expect((plan["plans"] as? [[Double]])?.count == 1)
        #expect(first.waitFor(type: "frame") { $0["step"] as? Int == 3 } != nil)

        // An error is sent only to the page that caused it; the effect of a command, to all pages.
        let other = scene.connect { second.hear($0) }
        scene.receive("nonsense", from: page)
        let problem = try #require(first.waitFor(type: "problem"))
        #expect((problem["message"] as? String)?.hasPrefix("command: expected") == true)
        scene.receive(#"{"type":"pause"}"#, from: page)
        #expect(second.waitFor(type: "frame") { $0["is_running"] as? Bool == false } != nil)
        #expect(!second.types.contains("problem"))

        // The body that a page held is released when the page disconnects.
        scene.receive(#"{"type":"next"}"#, from: page)
        scene.receive(#"{"type":"grab","body":"agent","at":[100,100]}"#, from: other)
        #expect(first.waitFor(type: "frame") { $0["held"] as? String == "agent" } != nil)
        scene.disconnect(other)
        scene.receive(#"{"type":"run"}"#, from: page)
        let isGoing = first.waitFor(type: "frame") { $0["seed"] as? Int == 6 && $0["is_running"] as? Bool == true }
        let going = try #require(isGoing)
        #expect(going["held"] == nil)
        // Messages from a disconnected page are ignored.
        scene.receive(#"{"type":"next"}"#, from: other)
        scene.receive(#"{"type":"nudge","body":"agent","by":[1,0]}"#, from: page)
        scene.receive(#"{"type":"keep"}"#, from: page)
        #expect(first.waitFor(type: "problem") { ($0["message"] as? String)?.contains("recording") == true } != nil)
        #expect(first.seeds == [5, 6])
        scene.disconnect(page)
    }

    @Test func readsMessagesNoFasterThanTheSceneHandlesThem() {
        let scene = LiveScene(playing: StraightPolicy().played(), seed: 5)
        let listener = Listener()
        let page = scene.connect { listener.hear($0) }
        for number in 1...20 {
            scene.receive("nonsense", from: page)
            #expect(listener.types.count { $0 == "problem" } == number)
        }
        scene.disconnect(page)
    }

    @Test func keptEpisodesAreOnDisk() throws {
        let folder = try TemporaryFolder()
        let dataset = LiveScene.demonstrations(at: folder("set.zarr"))
        let scene = LiveScene(recordingTo: dataset, saved: try dataset.open(), seed: 3)
        let listener = Listener()
        let page = scene.connect { listener.hear($0) }
        scene.receive(#"{"type":"grab","body":"agent","at":[200,200]}"#, from: page)
        let renewals = Renewals(of: scene, page: page)
        let isDriven = listener.waitFor(type: "frame") {
            (($0["recording"] as? [String: Any])?["frames"] as? Int ?? 0) >= 3
        }
        #expect(isDriven != nil)
        renewals.stop()
        scene.receive(#"{"type":"keep"}"#, from: page)
        let isSaved = listener.waitFor(type: "frame") {
            ($0["recording"] as? [String: Any])?["saved_episodes"] as? Int == 1
        }
        #expect(isSaved?["seed"] as? Int == 4)
        let size = DatasetDirectory.Size(episodes: 1, frames: try InMemoryDataset(contentsOf: dataset.url).frameCount)
        #expect(scene.finish() == RecordingOutcome(saved: size, lost: 0))
        let recorded = try InMemoryDataset(contentsOf: dataset.url)
        #expect(recorded.episodes.count == 1 && recorded.frameCount >= 3)
    }

    /// When a page that holds the pusher stops sending messages, the pusher is released, the frames since are
    /// removed, and all pages receive a message.
    @Test func anAbandonedHoldIsDropped() throws {
        let folder = try TemporaryFolder()
        let dataset = LiveScene.demonstrations(at: folder("set.zarr"))
        let scene = LiveScene(recordingTo: dataset, saved: try dataset.open(), seed: 3)
        let (listener, other) = (Listener(), Listener())
        let page = scene.connect { listener.hear($0) }
        _ = scene.connect { other.hear($0) }
        scene.receive(#"{"type":"grab","body":"agent","at":[200,200]}"#, from: page)
        for heard in [listener, other] {
            let problem = try #require(heard.waitFor(type: "problem"))
            let text = try #require(problem["message"] as? String)
            #expect(text.contains("sent no message for half a second") && text.contains("frames"), "\(text)")
        }
        let recorded = try #require(other.newest?["recording"] as? [String: Any])
        #expect(recorded["frames"] as? Int == 0)
        #expect(other.newest?["held"] == nil)
        scene.receive(#"{"type":"keep"}"#, from: page)
        #expect(
            listener.waitFor(type: "problem") { ($0["message"] as? String)?.contains("no recorded frames") == true }
                != nil)
    }

    /// A page that only renews its hold keeps driving.
    @Test func aRenewedHoldIsKept() throws {
        let folder = try TemporaryFolder()
        let dataset = LiveScene.demonstrations(at: folder("set.zarr"))
        let scene = LiveScene(recordingTo: dataset, saved: try dataset.open(), seed: 3)
        let listener = Listener()
        let page = scene.connect { listener.hear($0) }
        scene.receive(#"{"type":"grab","body":"agent","at":[200,200]}"#, from: page)
        let renewals = Renewals(of: scene, page: page)
        #expect(
            listener.waitFor(type: "frame") {
                (($0["recording"] as? [String: Any])?["frames"] as? Int ?? 0) >= 20
            } != nil)
        renewals.stop()
        #expect(!listener.types.contains("problem"))
    }

    /// The block is released in the same way while a policy plays.
    @Test func anAbandonedHoldIsDroppedInPlay() throws {
        let scene = LiveScene(playing: StraightPolicy().played(), seed: 5)
        let listener = Listener()
        let page = scene.connect { listener.hear($0) }
        scene.receive(#"{"type":"grab","body":"block","at":[250,250]}"#, from: page)
        let problem = try #require(listener.waitFor(type: "problem"))
        #expect((problem["message"] as? String)?.contains("held the block") == true)
        #expect(listener.newest?["held"] == nil)
        scene.disconnect(page)
    }

    @Test func aPolicyThatFailsStopsTheScene() throws {
        struct Failure: Error, CustomStringConvertible {
            var description: String { "no idea" }
        }
        var played = StraightPolicy().played()
        played.make = { _ in throw Failure() }
        let scene = LiveScene(playing: played, seed: 5)
        let listener = Listener()
        let page = scene.connect { listener.hear($0) }
        #expect(listener.waitFor(type: "problem")?["message"] as? String == "no idea")
        #expect(listener.waitFor(type: "frame") { $0["is_running"] as? Bool == false } != nil)
        scene.disconnect(page)
    }
}
