package import DPDatasets
package import DPPushT
import DPServing
package import Foundation

/// A scene that runs in real time, at most ten control steps per second, and the pages connected to it.
///
/// The session runs on one queue; the policy and saving each have their own. Pages may call from any thread. The
/// scene pauses while no page is connected.
package final class LiveScene: @unchecked Sendable {
    // All mutable state is accessed only on the queue.
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
    /// The page that holds a body, and the number of control steps since its last message.
    private var holder: Int?
    private var silentSteps = 0
    private var plan: ScenePlan?

    /// The session, and the helper for its slow work: policy calls or saving.
    private enum Work {
        case play(PlaySession, PolicyQueue)
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
    ///   - seed: the seed of the first start.
    package convenience init(
        playing policy: PlayedPolicy, definition: PushTDefinition = PushTDefinition(), seed: UInt64
    ) {
        self.init(.play(PlaySession(policy, definition: definition, seed: seed), PolicyQueue(policy)))
    }

    /// A scene in which a person drives the pusher and whose episodes are saved.
    /// - Parameters:
    ///   - dataset: the dataset to append episodes to, made by `demonstrations(at:)`.
    ///   - saved: the size that the dataset already has, as returned by `dataset.open()`.
    ///   - seed: the seed of the first start.
    package convenience init(recordingTo dataset: DatasetDirectory, saved: DatasetDirectory.Size, seed: UInt64) {
        let session = RecordingSession(seed: seed, output: dataset.url.lastPathComponent, saved: saved)
        self.init(.record(session, EpisodeSaver(dataset, saved: saved)))
    }

    /// The dataset at a path, with the features of a recording.
    package static func demonstrations(at url: URL) -> DatasetDirectory {
        DatasetDirectory(url, features: RecordedFrame.features)
    }

    /// Saves all kept episodes.
    /// - Returns: the outcome; nil for a scene that does not record.
    package func finish() -> RecordingOutcome? {
        queue.sync { saveKept() }
        guard case .record(_, let saver) = work else { return nil }
        return saver.finish()
    }

    private var session: any SceneSession { work.session }

    // MARK: - Pages

    /// Connects a page.
    /// - Parameter send: receives messages for the page, in order; must not block.
    /// - Returns: the page's identifier for the other calls.
    package func connect(_ send: @escaping @Sendable (String) -> Void) -> Int {
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

    /// Handles a message from a page.
    ///
    /// Returns after the command is executed, so that messages are read no faster than the scene can handle them.
    package func receive(_ text: String, from page: Int) {
        queue.sync {
            guard let send = pages[page] else { return }
            do {
                let command = try SceneCommand(text: text)
                try session.perform(command)
                note(command, of: page)
                if holder == page { renewHold() }
            } catch { send(SceneMessage.problem(SceneProblem(message: "\(error)")).text) }
            saveKept()
            broadcast(.frame(frame))
            // The command may have canceled the request that the step is waiting for.
            if isWaiting { tick() }
        }
    }

    /// Disconnects a page and releases the body that it held.
    package func disconnect(_ page: Int) {
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
        try? session.perform(.release)
    }

    private func renewHold() {
        silentSteps = 0
        session.renewHold()
    }

    /// Releases a body whose page sent no message for half a second, for example because its computer sleeps or its
    /// connection is dead.
    ///
    /// Counts control steps, not seconds: if this process was suspended (SIGSTOP), the messages that the page sent
    /// meanwhile are still unread and must not count as silence.
    private func dropAbandonedHold() {
        guard holder != nil else { return }
        silentSteps += 1
        guard silentSteps > session.introduction.rate / 2 else { return }
        holder = nil
        guard let body = session.frame.held else { return }
        let count = session.dropHold()
        let lost = count == 0 ? "" : "; \(count) frames recorded since its last message were removed"
        let name = body == .agent ? "pusher" : "block"
        let message = "The page that held the \(name) sent no message for half a second: the hold was released\(lost)."
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

    /// Performs the control step that is due and schedules the next one.
    private func tick() {
        isWaiting = false
        guard !pages.isEmpty else { return stop() }
        dropAbandonedHold()
        do {
            let outcome = try session.tick()
            requestPlan()
            isWaiting = outcome == .waiting
            if outcome != .idle { broadcast(.frame(frame)) }
        } catch {
            broadcast(.problem(SceneProblem(message: "\(error)")))
            broadcast(.frame(frame))
        }
        // A waiting step runs when the result arrives. A slightly late step keeps the schedule; a step that is more
        // than a period late restarts it.
        let now = Clock.seconds
        if !isWaiting { schedule(at: due + period > now ? due + period : now + period) }
    }

    /// Stops the timer until a page connects.
    private func stop() {
        timer?.cancel()
        timer = nil
    }

    // MARK: - The policy and the disk

    private func requestPlan() {
        guard case .play(let session, let policy) = work, let request = session.takeRequest() else { return }
        policy.submit(request) { [weak self] number, result in
            guard let self else { return }
            queue.async { self.take(result, number: number) }
        }
    }

    private func take(_ result: Result<PlanResult, any Error>, number: Int) {
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

    private func take(_ result: Result<DatasetDirectory.Size, any Error>) {
        guard case .record(let session, _) = work else { return }
        switch result {
        case .success(let size): session.noteSaved(size)
        case .failure(let error): broadcast(.problem(SceneProblem(message: "\(error)")))
        }
        broadcast(.frame(frame))
    }
}
