import DPBase
import DPDatasets
import DPInterface
import DPPushT
import Foundation
import TestSupport
import Testing

@testable import DPPlay

/// Tests of driving and recording.
@Suite struct RecordingSessionTests {
    let session = RecordingSession(seed: 3, output: "mine.zarr", saved: DatasetDirectory.Size(episodes: 0, frames: 0))

    private func drive(_ points: [SIMD2<Double>]) throws {
        let agent = session.frame.agent
        try session.perform(.grab(.agent, at: SIMD2(agent[0], agent[1])))
        for point in points {
            try session.perform(.drag(to: point))
            _ = try session.tick()
        }
        try session.perform(.release)
    }

    @Test func framesHoldTheStateBeforeEachAction() throws {
        try drive([SIMD2(200, 100), SIMD2(210, 120), SIMD2(600, -5)])
        try session.perform(.keep)
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
        #expect(try episode.feature("state").values == states)
        #expect(try episode.feature("keypoint").values == keypoints)
        #expect(try episode.feature("keypoint").shape == [9, 2])
        #expect(try episode.feature("action").values == [200, 100, 210, 120, 512, 0])
        #expect(episode.episodes == [0..<3])
    }

    @Test func pausesWhileNobodyDrives() throws {
        for _ in 0..<5 { #expect(try session.tick() == .idle) }
        #expect(session.frame.step == 0)
        #expect(message { try session.perform(.keep) }.contains("no recorded frames"))
    }

    @Test func anEpisodeIsKeptDiscardedOrRedone() throws {
        try drive([SIMD2(200, 100)])
        #expect(session.frame.recording?.frames == 1)
        try session.perform(.redo)
        #expect(session.frame.seed == 3)
        #expect(session.frame.recording?.frames == 0)
        try drive([SIMD2(200, 100)])
        try session.perform(.discard)
        #expect(session.frame.seed == 4)
        #expect(session.takeKept().isEmpty)
        try drive([SIMD2(200, 100), SIMD2(200, 100)])
        try session.perform(.keep)
        #expect(session.frame.seed == 5)
        #expect(session.frame.recording?.unsaved == 1)
        session.noteSaved(DatasetDirectory.Size(episodes: 1, frames: 2))
        #expect(session.frame.recording?.unsaved == 0)
        #expect(session.frame.recording?.savedFrames == 2)
    }

    @Test func anEpisodeEndsAtTheGoal() throws {
        // The block starts at the goal, so one step of the pusher far from it ends the episode.
        var definition = PushTDefinition()
        let start = PushTEnvironment(seed: 3).state.block
        definition.goal = start
        let session = RecordingSession(
            definition: definition, seed: 3, output: "", saved: DatasetDirectory.Size(episodes: 0, frames: 0))
        let agent = session.frame.agent
        try session.perform(.grab(.agent, at: SIMD2(agent[0], agent[1])))
        #expect(try session.tick() == .stepped)
        #expect(session.frame.recording?.isOver == true)
        #expect(session.frame.held == nil)
        try session.perform(.grab(.agent, at: SIMD2(agent[0], agent[1])))
        #expect(try session.tick() == .idle)
        #expect(session.frame.recording?.frames == 1)
    }

    /// Frames after the page's last message are removed, and the state at that message is restored to the last bit.
    @Test func anAbandonedHoldLeavesNoFrames() throws {
        let points: [SIMD2<Double>] = (0..<12).map { (index: Int) -> SIMD2<Double> in
            SIMD2<Double>(200, 150) + Double(index) * SIMD2<Double>(11.3, 7.7)
        }
        try session.perform(.grab(.agent, at: points[0]))
        for (index, point) in points.enumerated() {
            try session.perform(.drag(to: point))
            if index < 8 { session.renewHold() }
            _ = try session.tick()
        }
        #expect(session.frame.recording?.frames == 12)
        // The page's last message came after the seventh frame.
        #expect(session.dropHold() == 5)
        #expect(session.frame.recording?.frames == 7)
        #expect(session.frame.held == nil)
        #expect(try session.tick() == .idle)

        let expected = RecordingSession(
            seed: 3, output: "mine.zarr", saved: DatasetDirectory.Size(episodes: 0, frames: 0))
        try expected.perform(.grab(.agent, at: points[0]))
        for point in points[..<7] {
            try expected.perform(.drag(to: point))
            _ = try expected.tick()
        }
        #expect(session.frame.agent == expected.frame.agent && session.frame.block == expected.frame.block)
        #expect(session.frame.step == expected.frame.step && session.frame.best == expected.frame.best)
        for one in [session, expected] {
            try one.perform(.grab(.agent, at: points[7]))
            for point in points[7...] {
                try one.perform(.drag(to: point))
                _ = try one.tick()
            }
            try one.perform(.keep)
        }
        #expect(
            try session.takeKept().first?.feature("state").values == expected.takeKept().first?.feature("state").values)
        // Nothing is held, so no frames are removed.
        #expect(session.dropHold() == 0)
    }

    @Test func theBlockMayNotBeMoved() {
        for command in [SceneCommand.grab(.block, at: .zero), .turn(by: 1), .nudge(.block, by: .zero), .step, .pause] {
            #expect(throws: InputError.self) { try session.perform(command) }
        }
    }
}

/// Tests of saving episodes.
@Suite struct EpisodeSaverTests {
    /// A saver's reports, in order.
    private final class Reports: @unchecked Sendable {
        private let lock = NSLock()
        private var results: [Result<DatasetDirectory.Size, any Error>] = []

        func add(_ result: Result<DatasetDirectory.Size, any Error>) { lock.withLock { results.append(result) } }
        var all: [Result<DatasetDirectory.Size, any Error>] { lock.withLock { results } }
    }

    private func episode() throws -> InMemoryDataset {
        try RecordedFrame.episode([RecordedFrame(of: PushTEnvironment(seed: 1), action: SIMD2(1, 2))])
    }

    @Test func retriesFailedSaves() throws {
        let folder = try TemporaryFolder()
        let dataset = LiveScene.demonstrations(at: folder("later/set.zarr"))
        let reports = Reports()
        let nothing = DatasetDirectory.Size(episodes: 0, frames: 0)
        let saver = EpisodeSaver(dataset, saved: nothing)
        saver.save(try episode()) { reports.add($0) }
        #expect(saver.finish() == RecordingOutcome(saved: nothing, lost: 1))
        #expect(reports.all.allSatisfy { (try? $0.get()) == nil })
        try FileManager.default.createDirectory(at: folder("later"), withIntermediateDirectories: true)
        saver.save(try episode()) { reports.add($0) }
        let both = DatasetDirectory.Size(episodes: 2, frames: 2)
        #expect(saver.finish() == RecordingOutcome(saved: both, lost: 0))
        #expect(try dataset.open() == both)
        #expect(try reports.all.suffix(2).map { try $0.get().episodes } == [1, 2])
    }
}
