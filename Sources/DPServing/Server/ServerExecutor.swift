import Dispatch

/// An executor with threads of its own, so that a server responds even while the rest of the process keeps Swift's
/// task threads busy.
final class ServerExecutor: TaskExecutor {
    private let queue = DispatchQueue(label: "policy server", attributes: .concurrent)

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
