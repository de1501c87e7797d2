import DPBase
import DPInterface
import DPPushT
import DPServing

/// A session in which a policy pushes the T while users disturb it.
///
/// It never blocks: `takeRequest()` returns the request to send, and `accept(_:)` receives the result when it
/// arrives. A result takes effect `latency` control steps after its observation, however fast it was computed; if
/// it has not arrived by then, the scene waits for it. The outcome therefore depends only on the seeds, the
/// settings and the users' input, not on the speed of the machine.
final class PlaySession: SceneSession {
    let introduction: SceneIntroduction
    private let policy: PlayedPolicy
    private(set) var settings: PlaySettings
    private var world: World
    private var controller: AsynchronousController
    private let key: RandomKey

    private var isRunning = true
    /// Control steps to perform while the scene is paused.
    private var singleSteps = 0
    /// The last action, which the pusher holds until there is a new one.
    private var target: SIMD2<Double>
    /// The controller's count of control steps, which starts with the first result.
    private var controlledSteps = 0
    /// Whether the controller has observed the current state.
    private var isObserved = false
    /// A request that `takeRequest()` has not returned yet.
    private var outgoing: PlanRequest?
    /// The pending request, and the control step at which it was made.
    private var open: (number: Int, step: Int)?
    private var answer: ActionChunk?
    private var requestCount = 0
    private var isWaiting = false
    /// Whether there are steps to perform.
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
                mergings: ChunkMerging.all.map(\.description)))
    }

    private static func controller(
        _ policy: PlayedPolicy, _ settings: PlaySettings, key: RandomKey
    ) -> AsynchronousController {
        var horizon = policy.horizon
        horizon.action = settings.executionHorizon
        return AsynchronousController(
            horizon: horizon, configuration: ControlConfiguration(merging: settings.mergingInUse), key: key)
    }

    var frame: SceneFrame {
        var frame = SceneFrame(world, isRunning: isRunning)
        frame.target = [target.x, target.y]
        frame.isWaiting = isWaiting && isGoing
        frame.settings = settings
        frame.merging = settings.mergingInUse.description
        return frame
    }

    // MARK: - The page

    func perform(_ command: SceneCommand) throws {
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
            throw InputError(at: "command", expected: "a command for playing", found: "a command for recording")
        }
    }

    private func release() {
        // While the pusher was held, its plan was not executed, and the plan is for another position.
        if world.grip?.body == .agent { plan() }
        world.release()
    }

    func renewHold() {}

    /// Releases the body; this session records nothing.
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
        // The number of plans to show does not affect the one that is executed.
        if actsOtherwise { plan() }
    }

    /// Discards the plan and starts over from the current state.
    private func plan() {
        controller = Self.controller(policy, settings, key: key.folding(requestCount))
        (outgoing, open, answer) = (nil, nil, nil)
        controlledSteps = 0
        isObserved = false
        isWaiting = false
    }

    // MARK: - The policy

    /// Returns the request to send now; each is returned once.
    func takeRequest() -> PlanRequest? {
        defer { outgoing = nil }
        return outgoing
    }

    /// Accepts a result.
    /// - Returns: the plan to show, or nil if the request is outdated.
    func accept(_ answer: PlanResult) -> ScenePlan? {
        guard let open, open.number == answer.number, let chunk = answer.chunks.first else { return nil }
        let first = chunk.executed.lowerBound
        let last = min(first + settings.executionHorizon, chunk.prediction.count)
        guard first < last else { return nil }
        self.answer = ActionChunk(prediction: chunk.prediction, executed: first..<last)
        // Late actions are dropped; actions beyond the execution horizon bridge the time until the next result arrives.
        let late = isDelayed ? 0 : settings.latency
        let end = min(first + late + max(settings.executionHorizon, late), chunk.prediction.count)
        let shown = min(first + late, end - 1)..<end
        return ScenePlan(answer, executed: shown, step: open.step + settings.latency)
    }

    /// Whether a chunk that arrives after the latency is executed from its first action; otherwise the actions whose
    /// time has passed are skipped.
    private var isDelayed: Bool {
        switch settings.mergingInUse {
        case .synchronous, .naiveAsync: true
        case .skipStale, .temporalEnsembling, .linearBlend, .warmStart: !controller.hasPlan
        }
    }

    /// Handles a failed request: the scene pauses, and sends a new request when it resumes.
    func fail(_ number: Int) {
        guard let open, open.number == number else { return }
        isRunning = false
        plan()
    }

    // MARK: - Time

    func tick() throws -> SceneTick {
        guard isGoing else { return .idle }
        let step = world.environment.stepCount
        // A result that is due is accepted before the next request is made; without latency, it belongs to a
        // request of this step.
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
        if controller.hasPlan { controlledSteps += 1 }
        singleSteps = max(singleSteps - 1, 0)
        isObserved = false
        return .stepped
    }

    /// Passes the result to the controller if it is due.
    /// - Returns: false if a result is due and has not arrived.
    private func takeAnswer(at step: Int) -> Bool {
        guard let open, step >= open.step + settings.latency else { return true }
        guard let answer else { return false }
        controller.accept(answer)
        (self.open, self.answer) = (nil, nil)
        return true
    }

    /// The target that the policy plans for the pusher; the last target until there is a plan.
    private func plannedTarget() throws -> SIMD2<Double> {
        guard controller.hasPlan else { return target }
        let action = controller.action(at: controlledSteps)
        guard action.count == 2 else { throw InputError.pushTAction(found: action.map(Double.init)) }
        return SIMD2(Double(action[0]), Double(action[1]))
    }

    private func observe(at step: Int) {
        isObserved = true
        guard let request = controller.observe(world.environment.observation, at: controlledSteps) else { return }
        requestCount += 1
        open = (requestCount, step)
        let others = (1..<settings.samples).map { sample in
            ChunkRequest(observations: request.observations, key: request.key.folding(1000 + sample))
        }
        outgoing = PlanRequest(number: requestCount, step: step, requests: [request] + others, settings: settings)
    }
}
