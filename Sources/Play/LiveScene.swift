public import Demonstrations
public import Foundation
public import PushT

/// A scene in real time, with the pages that watch it: ten control steps a second, at most.
///
/// Its session lives on one queue, the policy on a thread of its own, and so does saving; pages may call from anywhere. While nobody watches, the scene
/// stands still.
public final class LiveScene: @unchecked Sendable {
    // Everything that changes belongs to the queue.
    private let queue = DispatchQueue(label: "scene", qos: .userInteractive)
    private let work: Work
    private let period: Double
    private let beginning = Clock.seconds
    private var timer: (any DispatchSourceTimer)?
    /// When the next control step is due.
    private var due = 0.0
    private var isWaiting = false
    private var pages: [Int: @Sendable (String) -> Void] = [:]
    private var pageCount = 0
    /// The page that holds something, and how many control steps ago it was heard.
    private var holder: Int?
    private var silentSteps = 0
    private var plan: ScenePlan?

    /// What is done in the scene, and who helps with what takes time.
    private enum Work {
        case play(PlaySession, PolicyThread)
        case record(RecordingSession, EpisodeSaver)

        var session: any SceneSession {
            switch self {
            case .play(let session, _): session
            case .record(let session, _): session
            }
        }
    }

    private init(_ work: Work) {
        self.work = work
        period = 1 / Double(work.session.introduction.rate)
    }

    deinit { timer?.cancel() }

    /// A scene in which a policy plays.
    /// - Parameters:
    ///   - policy: the policy, whose settings are valid.
    ///   - definition: the constants of the task.
    ///   - seed: of the first start.
    public convenience init(
        playing policy: PlayedPolicy, definition: PushTDefinition = PushTDefinition(), seed: UInt64
    ) {
        self.init(.play(PlaySession(policy, definition: definition, seed: seed), PolicyThread(policy)))
    }

    /// A scene in which a person drives, and whose episodes are saved.
    /// - Parameters:
    ///   - set: where they go, made by `demonstrations(at:)`.
    ///   - saved: what is there already, as `set.open()` says.
    ///   - seed: of the first start.
    public convenience init(recordingTo set: DemonstrationSet, saved: DemonstrationSet.Size, seed: UInt64) {
        let session = RecordingSession(seed: seed, output: set.url.lastPathComponent, saved: saved)
        self.init(.record(session, EpisodeSaver(set, saved: saved)))
    }

    /// The set at a path with the fields that a recording has.
    public static func demonstrations(at url: URL) -> DemonstrationSet {
        DemonstrationSet(url, fields: RecordedFrame.fields)
    }

    /// Saves what was kept.
    /// - Returns: what came of it; nil where nothing is recorded.
    public func finish() -> RecordingOutcome? {
        queue.sync { saveKept() }
        guard case .record(_, let saver) = work else { return nil }
        return saver.finish()
    }

    private var session: any SceneSession { work.session }

    // MARK: - Pages

    /// A page begins to watch.
    /// - Parameter send: takes messages for it, in order, and does not block.
    /// - Returns: what the page is called in the other calls.
    public func connect(_ send: @escaping @Sendable (String) -> Void) -> Int {
        queue.sync {
            pageCount += 1
            pages[pageCount] = send
            send(SceneMessage.hello(session.introduction).text)
            send(SceneMessage.frame(frame).text)
            if let plan { send(SceneMessage.plan(plan).text) }
            if timer == nil { schedule(at: Clock.seconds) }
            return pageCount
        }
    }

    /// A page says something.
    ///
    /// Returns when it is done, so that a page that says more than the scene can do is read no faster.
    public func receive(_ text: String, from page: Int) {
        queue.sync {
            guard let send = pages[page] else { return }
            do {
                let command = try SceneCommand(text: text)
                try session.obey(command)
                note(command, of: page)
                if holder == page { renewHold() }
            } catch { send(SceneMessage.problem(SceneProblem(message: "\(error)")).text) }
            saveKept()
            broadcast(.frame(frame))
            // What the step waited for may no longer come.
            if isWaiting { tick() }
        }
    }

    /// A page has gone; what it held falls.
    public func disconnect(_ page: Int) {
        queue.async { [self] in
            pages[page] = nil
            if holder == page { release() }
        }
    }

    private func note(_ command: SceneCommand, of page: Int) {
        switch command {
        case .grab: holder = page
        case .release: holder = nil
        default: break
        }
    }

    private func release() {
        holder = nil
        try? session.obey(.release)
    }

    private func renewHold() {
        silentSteps = 0
        session.renewHold()
    }

    /// Lets go of what a page holds that was not heard for half a second, as when its computer sleeps or its link is dead: nobody drives there.
    ///
    /// Control steps are counted, not seconds: when this process was stopped, the page's messages wait to be read.
    private func dropAbandonedHold() {
        guard holder != nil else { return }
        silentSteps += 1
        guard silentSteps > session.introduction.rate / 2 else { return }
        holder = nil
        guard let body = session.frame.held else { return }
        let count = session.dropHold()
        let lost = count == 0 ? "" : "; \(count) frames that it recorded since were taken back"
        let name = body == .agent ? "pusher" : "block"
        let message = "The page that held the \(name) was not heard for half a second: the hand let go\(lost)."
        broadcast(.frame(frame))
        broadcast(.problem(SceneProblem(message: message)))
    }

    private var frame: SceneFrame {
        var frame = session.frame
        frame.clock = Clock.seconds - beginning
        return frame
    }

    private func broadcast(_ message: SceneMessage) {
        guard !pages.isEmpty else { return }
        let text = message.text
        for send in pages.values { send(text) }
    }

    // MARK: - Time

    private func schedule(at time: Double) {
        due = time
        let timer = self.timer ?? makeTimer()
        self.timer = timer
        timer.schedule(deadline: .now() + max(time - Clock.seconds, 0), leeway: .milliseconds(1))
    }

    private func makeTimer() -> any DispatchSourceTimer {
        let timer = DispatchSource.makeTimerSource(queue: queue)
        timer.setEventHandler { [weak self] in self?.tick() }
        timer.activate()
        return timer
    }

    /// Does the control step that is due, and sees to the next one.
    private func tick() {
        isWaiting = false
        guard !pages.isEmpty else { return stop() }
        dropAbandonedHold()
        do {
            let outcome = try session.tick()
            ask()
            isWaiting = outcome == .waiting
            if outcome != .idle { broadcast(.frame(frame)) }
        } catch {
            broadcast(.problem(SceneProblem(message: "\(error)")))
            broadcast(.frame(frame))
        }
        // A step that waits is done when the answer comes. One that is a little late keeps the beat; one that is very late begins another.
        let now = Clock.seconds
        if !isWaiting { schedule(at: due + period > now ? due + period : now + period) }
    }

    /// Stands still until a page connects.
    private func stop() {
        timer?.cancel()
        timer = nil
    }

    // MARK: - The policy and the disk

    private func ask() {
        guard case .play(let session, let policy) = work, let question = session.takeQuestion() else { return }
        policy.ask(question) { [weak self] number, result in
            guard let self else { return }
            queue.async { self.take(result, number: number) }
        }
    }

    private func take(_ result: Result<PolicyAnswer, any Error>, number: Int) {
        guard case .play(let session, _) = work else { return }
        switch result {
        case .success(let answer):
            if let plan = session.accept(answer) {
                self.plan = plan
                broadcast(.plan(plan))
            }
        case .failure(let error):
            session.fail(number)
            broadcast(.problem(SceneProblem(message: "\(error)")))
            broadcast(.frame(frame))
        }
        if isWaiting { tick() }
    }

    private func saveKept() {
        guard case .record(let session, let saver) = work else { return }
        for episode in session.takeKept() {
            saver.save(episode) { [weak self] result in
                guard let self else { return }
                queue.async { self.take(result) }
            }
        }
    }

    private func take(_ result: Result<DemonstrationSet.Size, any Error>) {
        guard case .record(let session, _) = work else { return }
        switch result {
        case .success(let size): session.noteSaved(size)
        case .failure(let error): broadcast(.problem(SceneProblem(message: "\(error)")))
        }
        broadcast(.frame(frame))
    }
}
