import Demonstrations
import Foundation
import PolicyInterface
import PushT
import TestSupport
import Testing

@testable import Play

/// A person who drives, and what is kept of it.
@Suite struct RecordingSessionTests {
    let session = RecordingSession(seed: 3, output: "mine.zarr", saved: DemonstrationSet.Size(episodes: 0, frames: 0))

    private func drive(_ points: [SIMD2<Double>]) throws {
        let agent = session.frame.agent
        try session.obey(.grab(.agent, at: SIMD2(agent[0], agent[1])))
        for point in points {
            try session.obey(.drag(to: point))
            _ = try session.tick()
        }
        try session.obey(.release)
    }

    @Test func framesAreWhatWasSeenBeforeEachAction() throws {
        try drive([SIMD2(200, 100), SIMD2(210, 120), SIMD2(600, -5)])
        try session.obey(.keep)
        let episode = try #require(session.takeKept().first)
        #expect(session.takeKept().isEmpty)

        let environment = PushTEnvironment(seed: 3)
        var states: [Float] = []
        var keypoints: [Float] = []
        for target in [SIMD2(200.0, 100), SIMD2(210, 120), SIMD2(512, 0)] {
            states += environment.observation.vectors["state"] ?? []
            keypoints += environment.observation.vectors["keypoint"] ?? []
            try environment.step(toward: target)
        }
        #expect(try episode.field("state").values == states)
        #expect(try episode.field("keypoint").values == keypoints)
        #expect(try episode.field("keypoint").shape == [9, 2])
        #expect(try episode.field("action").values == [200, 100, 210, 120, 512, 0])
        #expect(episode.episodes == [0..<3])
    }

    @Test func nobodyDrivesNothingHappens() throws {
        for _ in 0..<5 { #expect(try session.tick() == .idle) }
        #expect(session.frame.step == 0)
        #expect(message { try session.obey(.keep) }.contains("nobody has driven"))
    }

    @Test func anEpisodeIsKeptDiscardedOrRedone() throws {
        try drive([SIMD2(200, 100)])
        #expect(session.frame.recording?.frames == 1)
        try session.obey(.redo)
        #expect(session.frame.seed == 3)
        #expect(session.frame.recording?.frames == 0)
        try drive([SIMD2(200, 100)])
        try session.obey(.discard)
        #expect(session.frame.seed == 4)
        #expect(session.takeKept().isEmpty)
        try drive([SIMD2(200, 100), SIMD2(200, 100)])
        try session.obey(.keep)
        #expect(session.frame.seed == 5)
        #expect(session.frame.recording?.unsaved == 1)
        session.noteSaved(DemonstrationSet.Size(episodes: 1, frames: 2))
        #expect(session.frame.recording?.unsaved == 0)
        #expect(session.frame.recording?.savedFrames == 2)
    }

    @Test func anEpisodeEndsAtTheGoal() throws {
        // From a block that lies nearly right, any short way of the pusher far from it ends the episode.
        var definition = PushTDefinition()
        let start = PushTEnvironment(seed: 3).state.block
        definition.goal = start
        let session = RecordingSession(
            definition: definition, seed: 3, output: "", saved: DemonstrationSet.Size(episodes: 0, frames: 0))
        let agent = session.frame.agent
        try session.obey(.grab(.agent, at: SIMD2(agent[0], agent[1])))
        #expect(try session.tick() == .stepped)
        #expect(session.frame.recording?.isOver == true)
        #expect(session.frame.held == nil)
        try session.obey(.grab(.agent, at: SIMD2(agent[0], agent[1])))
        #expect(try session.tick() == .idle)
        #expect(session.frame.recording?.frames == 1)
    }

    /// What a page that has gone drove is taken back, and the world is where it was, to the last bit.
    @Test func anAbandonedHoldLeavesNoFrames() throws {
        let points: [SIMD2<Double>] = (0..<12).map { (index: Int) -> SIMD2<Double> in
            SIMD2<Double>(200, 150) + Double(index) * SIMD2<Double>(11.3, 7.7)
        }
        try session.obey(.grab(.agent, at: points[0]))
        for (index, point) in points.enumerated() {
            try session.obey(.drag(to: point))
            if index < 8 { session.renewHold() }
            _ = try session.tick()
        }
        #expect(session.frame.recording?.frames == 12)
        // The seventh was the last one after which the page was heard.
        #expect(session.dropHold() == 5)
        #expect(session.frame.recording?.frames == 7)
        #expect(session.frame.held == nil)
        #expect(try session.tick() == .idle)

        let expected = RecordingSession(
            seed: 3, output: "mine.zarr", saved: DemonstrationSet.Size(episodes: 0, frames: 0))
        try expected.obey(.grab(.agent, at: points[0]))
        for point in points[..<7] {
            try expected.obey(.drag(to: point))
            _ = try expected.tick()
        }
        #expect(session.frame.agent == expected.frame.agent && session.frame.block == expected.frame.block)
        #expect(session.frame.step == expected.frame.step && session.frame.best == expected.frame.best)
        for one in [session, expected] {
            try one.obey(.grab(.agent, at: points[7]))
            for point in points[7...] {
                try one.obey(.drag(to: point))
                _ = try one.tick()
            }
            try one.obey(.keep)
        }
        #expect(try session.takeKept().first?.field("state").values == expected.takeKept().first?.field("state").values)
        // Nothing is held, and nothing is taken back.
        #expect(session.dropHold() == 0)
    }

    @Test func theBlockMayNotBeMoved() {
        for command in [SceneCommand.grab(.block, at: .zero), .turn(by: 1), .nudge(.block, by: .zero), .step, .pause] {
            #expect(throws: RefusedCommand.self) { try session.obey(command) }
        }
    }
}

/// Episodes on their way to the disk.
@Suite struct EpisodeSaverTests {
    /// What a saver reported, in order.
    private final class Reports: @unchecked Sendable {
        private let lock = NSLock()
        private var results: [Result<DemonstrationSet.Size, any Error>] = []

        func add(_ result: Result<DemonstrationSet.Size, any Error>) { lock.withLock { results.append(result) } }
        var all: [Result<DemonstrationSet.Size, any Error>] { lock.withLock { results } }
    }

    private func episode() throws -> ReplayBuffer {
        try RecordedFrame.episode([RecordedFrame(of: PushTEnvironment(seed: 1), action: SIMD2(1, 2))])
    }

    @Test func whatCouldNotBeSavedIsTriedAgain() throws {
        let folder = try TemporaryFolder()
        let set = LiveScene.demonstrations(at: folder("later/set.zarr"))
        let reports = Reports()
        let nothing = DemonstrationSet.Size(episodes: 0, frames: 0)
        let saver = EpisodeSaver(set, saved: nothing)
        saver.save(try episode()) { reports.add($0) }
        #expect(saver.finish() == RecordingOutcome(saved: nothing, lost: 1))
        #expect(reports.all.allSatisfy { (try? $0.get()) == nil })
        try FileManager.default.createDirectory(at: folder("later"), withIntermediateDirectories: true)
        saver.save(try episode()) { reports.add($0) }
        let both = DemonstrationSet.Size(episodes: 2, frames: 2)
        #expect(saver.finish() == RecordingOutcome(saved: both, lost: 0))
        #expect(try set.open() == both)
        #expect(try reports.all.suffix(2).map { try $0.get().episodes } == [1, 2])
    }
}
