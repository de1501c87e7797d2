import Demonstrations
import PolicyInterface
import PushT

/// A person who pushes the T with the mouse, and whose episodes are kept.
///
/// The world stands still while nobody drives, so that no episode holds a pause for thought; as in the reference implementation's
/// `demo_pusht.py`, a frame is recorded for each control step that is driven. An episode is over when the goal is reached or it is as long as
/// can be; the person decides what becomes of it, then or before.
final class RecordingSession: SceneSession {
    let introduction: SceneIntroduction
    private var world: World
    private var frames: [RecordedFrame] = []
    /// Where the pusher was drawn to in each frame, and how many of them there were when the page that drives was heard last.
    private var targets: [SIMD2<Double>] = []
    private var heardFrames = 0
    private var isOver = false
    private let output: String
    /// What is on disk, and how many episodes are on their way to it.
    private var saved: DemonstrationSet.Size
    private var unsaved = 0
    /// Episodes that were kept and not handed out yet.
    private var kept: [ReplayBuffer] = []

    /// The longest episode, in control steps: five minutes.
    static let longestEpisode = 3000

    /// A scene at the start of a seed's episode.
    /// - Parameters:
    ///   - definition: the constants of the task.
    ///   - seed: of the first start.
    ///   - output: what the page calls the place where episodes go.
    ///   - saved: what is there already.
    init(
        definition: PushTDefinition = PushTDefinition(), seed: UInt64, output: String, saved: DemonstrationSet.Size
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

    func obey(_ command: SceneCommand) throws {
        switch command {
        case .grab(.agent, let point): if !isOver { world.grab(.agent, at: point) }
        case .drag(let point): try world.drag(to: point)
        case .hold: break
        case .release: world.release()
        case .keep:
            guard !frames.isEmpty else {
                throw RefusedCommand(expected: "an episode to keep", found: "none, nobody has driven yet")
            }
            kept.append(try RecordedFrame.episode(frames))
            unsaved += 1
            begin(seed: world.seed &+ 1)
        case .discard: begin(seed: world.seed &+ 1)
        case .redo: begin(seed: world.seed)
        case .grab, .turn, .nudge:
            throw RefusedCommand(expected: "the pusher, which alone a person moves here", found: "the block")
        case .run, .pause, .step, .restart, .next, .settings:
            throw RefusedCommand(expected: "what a page that records can do", found: "a command of one that plays")
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

    /// Lets go, and brings the world back to where it was when the page was heard last, by driving there again from the start.
    func dropHold() -> Int {
        world.release()
        let count = frames.count - heardFrames
        if count == 0 { return 0 }
        frames.removeLast(count)
        targets.removeLast(count)
        world.begin(seed: world.seed)
        for target in targets {
            do { try world.step(toward: target) } catch { preconditionFailure("a step that was done before: \(error)") }
        }
        return count
    }

    // MARK: - Saving

    /// Episodes that are to be saved now, each once.
    func takeKept() -> [ReplayBuffer] {
        defer { kept = [] }
        return kept
    }

    /// Takes note that an episode is on disk.
    func noteSaved(_ size: DemonstrationSet.Size) {
        saved = size
        unsaved -= 1
    }
}
