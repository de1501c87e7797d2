import DPBase
import DPDatasets
import DPInterface
import DPPushT

/// A session in which a person pushes the T with the mouse and episodes are recorded.
///
/// The simulation pauses while nobody is driving, so that episodes contain no idle time. As in the reference
/// implementation's `demo_pusht.py`, a frame is recorded for each driven control step. An episode is over when the
/// goal or the maximum length is reached; the person can keep, redo or discard it then or earlier.
final class RecordingSession: SceneSession {
    let introduction: SceneIntroduction
    private var world: World
    private var frames: [RecordedFrame] = []
    /// The pusher's target in each frame, and the number of frames at the last message of the page that drives.
    private var targets: [SIMD2<Double>] = []
    private var heardFrames = 0
    private var isOver = false
    private let output: String
    /// The episodes and frames on disk, and the number of episodes that are still being saved.
    private var saved: DatasetDirectory.Size
    private var unsaved = 0
    /// Kept episodes that `takeKept()` has not returned yet.
    private var kept: [InMemoryDataset] = []

    /// The longest episode, in control steps: five minutes.
    static let longestEpisode = 3000

    /// A scene at the start of a seed's episode.
    /// - Parameters:
    ///   - definition: the constants of the task.
    ///   - seed: the seed of the first start.
    ///   - output: the dataset's name on the page.
    ///   - saved: the size that the dataset already has.
    init(
        definition: PushTDefinition = PushTDefinition(), seed: UInt64, output: String, saved: DatasetDirectory.Size
    ) {
        world = World(seed: seed, definition: definition)
        self.output = output
        self.saved = saved
        let goal = definition.goal
        introduction = SceneIntroduction(
            purpose: .record, geometry: PushTGeometry(), goal: [goal.position.x, goal.position.y, goal.angle],
            rate: definition.controlFrequency)
    }

    var frame: SceneFrame {
        var frame = SceneFrame(world, isRunning: true)
        frame.target = world.agentTarget.map { [$0.x, $0.y] }
        frame.recording = RecordingProgress(
            frames: frames.count, savedEpisodes: saved.episodes, savedFrames: saved.frames, unsaved: unsaved,
            isOver: isOver, output: output)
        return frame
    }

    func perform(_ command: SceneCommand) throws {
        switch command {
        case .grab(.agent, let point): if !isOver { world.grab(.agent, at: point) }
        case .drag(let point): try world.drag(to: point)
        case .hold: break
        case .release: world.release()
        case .keep:
            guard !frames.isEmpty else {
                throw InputError(at: "command", expected: "an episode to keep", found: "no recorded frames")
            }
            kept.append(try RecordedFrame.episode(frames))
            unsaved += 1
            begin(seed: world.seed &+ 1)
        case .discard: begin(seed: world.seed &+ 1)
        case .redo: begin(seed: world.seed)
        case .grab, .turn, .nudge:
            throw InputError(at: "command", expected: "the pusher, the only movable body here", found: "the block")
        case .run, .pause, .step, .restart, .next, .settings:
            throw InputError(at: "command", expected: "a command for recording", found: "a command for playing")
        }
    }

    private func begin(seed: UInt64) {
        world.begin(seed: seed)
        (frames, targets, heardFrames) = ([], [], 0)
        isOver = false
    }

    func tick() throws -> SceneTick {
        guard !isOver, let action = world.agentTarget else { return .idle }
        let frame = RecordedFrame(of: world.environment, action: action)
        try world.step(toward: action)
        frames.append(frame)
        targets.append(action)
        if world.environment.isSuccess || frames.count == Self.longestEpisode {
            isOver = true
            world.release()
        }
        return .stepped
    }

    func renewHold() { heardFrames = frames.count }

    /// Releases the pusher and restores the state at the page's last message by replaying the episode from its start.
    func dropHold() -> Int {
        world.release()
        let count = frames.count - heardFrames
        if count == 0 { return 0 }
        frames.removeLast(count)
        targets.removeLast(count)
        world.begin(seed: world.seed)
        for target in targets {
            do { try world.step(toward: target) } catch { preconditionFailure("replaying a step failed: \(error)") }
        }
        return count
    }

    // MARK: - Saving

    /// Returns the episodes to save now; each is returned once.
    func takeKept() -> [InMemoryDataset] {
        defer { kept = [] }
        return kept
    }

    /// Records that an episode is on disk.
    func noteSaved(_ size: DatasetDirectory.Size) {
        saved = size
        unsaved -= 1
    }
}
