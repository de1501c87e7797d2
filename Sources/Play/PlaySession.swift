import Control
import PolicyInterface
import PushT

/// A policy that pushes the T while hands disturb it.
///
/// It asks and does not wait: `takeQuestion()` hands out what to ask, `accept(_:)` takes the answer whenever it is there. An answer takes effect `latency`
/// control steps after the observation that it is for, however fast it was computed; if it is not there by then, the scene waits for
/// it. So what happens follows from the seeds, the settings and the hands alone, not from how fast the machine is.
final class PlaySession: SceneSession {
    let introduction: SceneIntroduction
    private let policy: PlayedPolicy
    private(set) var settings: PlaySettings
    private var world: World
    private var controller: AsynchronousController
    private let key: RandomKey

    private var isRunning = true
    /// Steps to do though the scene is paused.
    private var singleSteps = 0
    /// The last action, which the robot holds while it has no other.
    private var target: SIMD2<Double>
    /// Control steps since there was something to do: the controller's count, which begins with the first answer.
    private var controlledSteps = 0
    /// Whether the controller has seen the present state.
    private var isObserved = false
    /// A question that was not handed out yet.
    private var outgoing: PolicyQuestion?
    /// The question that is to be answered, and the control step at which it was asked.
    private var open: (number: Int, step: Int)?
    private var answer: ActionChunk?
    private var questions = 0
    private var isWaiting = false
    /// Whether there is a step to do.
    private var isGoing: Bool { isRunning || singleSteps > 0 }

    /// A scene at the start of a seed's episode.
    /// - Precondition: the policy's settings are valid.
    init(_ policy: PlayedPolicy, definition: PushTDefinition = PushTDefinition(), seed: UInt64, samplerSeed: UInt64 = 0)
    {
        self.policy = policy
        settings = policy.settings
        key = RandomKey(seed: samplerSeed)
        world = World(seed: seed, definition: definition)
        target = world.environment.state.agent
        controller = Self.controller(policy, policy.settings, key: key)
        let goal = definition.goal
        introduction = SceneIntroduction(
            purpose: .play, geometry: PushTGeometry(), goal: [goal.position.x, goal.position.y, goal.angle],
            rate: definition.controlFrequency,
            policy: SceneIntroduction.Policy(
                name: policy.name, trainingSteps: policy.trainingSteps,
                longestExecution: PlaySettings.longestExecution(of: policy.horizon),
                longestLatency: PlaySettings.longestLatency, mostSamples: PlaySettings.mostSamples,
                joinings: Joining.all.map(\.description)))
    }

    private static func controller(
        _ policy: PlayedPolicy, _ settings: PlaySettings, key: RandomKey
    ) -> AsynchronousController {
        var horizon = policy.horizon
        horizon.action = settings.executionHorizon
        return AsynchronousController(
            horizon: horizon, configuration: ControlConfiguration(joining: settings.joiningInUse), key: key)
    }

    var frame: SceneFrame {
        var frame = SceneFrame(world, isRunning: isRunning)
        frame.target = [target.x, target.y]
        frame.isWaiting = isWaiting && isGoing
        frame.settings = settings
        frame.joining = settings.joiningInUse.description
        return frame
    }

    // MARK: - The page

    func obey(_ command: SceneCommand) throws {
        switch command {
        case .run: isRunning = true
        case .pause: isRunning = false
        case .step:
            isRunning = false
            singleSteps = 1
        case .restart: begin(seed: world.seed)
        case .next: begin(seed: world.seed &+ 1)
        case .settings(let settings): try change(to: settings)
        case .grab(let body, let point): world.grab(body, at: point)
        case .drag(let point): try world.drag(to: point)
        case .hold: break
        case .turn(let angle): try world.turn(by: angle)
        case .nudge(let body, let difference): try world.nudge(body, by: difference)
        case .release: release()
        case .keep, .discard, .redo:
            throw RefusedCommand(expected: "what a page that plays can do", found: "a command of one that records")
        }
    }

    private func release() {
        // While the pusher was held its plan was not carried out, and what it planned is for another place.
        if world.hand?.body == .agent { plan() }
        world.release()
    }

    func renewHold() {}

    /// Lets go; nothing is recorded here.
    func dropHold() -> Int {
        release()
        return 0
    }

    private func begin(seed: UInt64) {
        world.begin(seed: seed)
        target = world.environment.state.agent
        plan()
    }

    private func change(to settings: PlaySettings) throws {
        try settings.validate(horizon: policy.horizon, trainingSteps: policy.trainingSteps)
        var acting = settings
        acting.samples = self.settings.samples
        let actsOtherwise = acting != self.settings
        self.settings = settings
        // How many plans are drawn for people to see is nothing to the one that is carried out.
        if actsOtherwise { plan() }
    }

    /// Forgets what was planned and begins anew from what is seen now.
    private func plan() {
        controller = Self.controller(policy, settings, key: key.folding(questions))
        (outgoing, open, answer) = (nil, nil, nil)
        controlledSteps = 0
        isObserved = false
        isWaiting = false
    }

    // MARK: - The policy

    /// What is to be asked now, once.
    func takeQuestion() -> PolicyQuestion? {
        defer { outgoing = nil }
        return outgoing
    }

    /// Takes an answer.
    /// - Returns: what to show of it, or nil for an answer to a question that is no longer of interest.
    func accept(_ answer: PolicyAnswer) -> ScenePlan? {
        guard let open, open.number == answer.number, let chunk = answer.chunks.first else { return nil }
        let first = chunk.executed.lowerBound
        let last = min(first + settings.executionHorizon, chunk.prediction.count)
        guard first < last else { return nil }
        self.answer = ActionChunk(prediction: chunk.prediction, executed: first..<last)
        // What comes too late is left out, and what was not meant to be executed stands in until the next answer is there.
        let late = isDelayed ? 0 : settings.latency
        let end = min(first + late + max(settings.executionHorizon, late), chunk.prediction.count)
        let shown = min(first + late, end - 1)..<end
        return ScenePlan(answer, executed: shown, step: open.step + settings.latency)
    }

    /// Whether the first action of an answer waits for the latency to pass, rather than being for the moment that was seen.
    private var isDelayed: Bool {
        switch settings.joiningInUse {
        case .waiting, .naive: true
        case .dropping, .ensembling, .blending, .warmStart: !controller.canAct
        }
    }

    /// Takes note that a question could not be answered: the scene stops, and asks anew when it goes on.
    func fail(_ number: Int) {
        guard let open, open.number == number else { return }
        isRunning = false
        plan()
    }

    // MARK: - Time

    func tick() throws -> SceneTick {
        guard isGoing else { return .idle }
        let step = world.environment.stepCount
        // An answer whose time has come is taken before the next question is asked; without latency it is the answer to a question of this very step.
        isWaiting = !takeAnswer(at: step)
        if !isWaiting, !isObserved {
            observe(at: step)
            isWaiting = !takeAnswer(at: step)
        }
        if isWaiting { return .waiting }
        do {
            let wanted = try world.agentTarget ?? plannedTarget()
            try world.step(toward: wanted)
            target = wanted
        } catch {
            (isRunning, singleSteps) = (false, 0)
            plan()
            throw error
        }
        if controller.canAct { controlledSteps += 1 }
        singleSteps = max(singleSteps - 1, 0)
        isObserved = false
        return .stepped
    }

    /// Has the controller take the answer whose time has come, if any has.
    /// - Returns: whether it was there.
    private func takeAnswer(at step: Int) -> Bool {
        guard let open, step >= open.step + settings.latency else { return true }
        guard let answer else { return false }
        controller.accept(answer)
        (self.open, self.answer) = (nil, nil)
        return true
    }

    /// Where the policy sends the pusher; where it was sent last until there is a plan.
    private func plannedTarget() throws -> SIMD2<Double> {
        guard controller.canAct else { return target }
        let action = controller.action(at: controlledSteps)
        guard action.count == 2 else { throw PushTError.action(found: action.map(Double.init)) }
        return SIMD2(Double(action[0]), Double(action[1]))
    }

    private func observe(at step: Int) {
        isObserved = true
        guard let request = controller.observe(world.environment.observation, at: controlledSteps) else { return }
        questions += 1
        open = (questions, step)
        let others = (1..<settings.samples).map { sample in
            ChunkRequest(observations: request.observations, key: request.key.folding(1000 + sample))
        }
        outgoing = PolicyQuestion(number: questions, step: step, requests: [request] + others, settings: settings)
    }
}
