import Dispatch

/// Runs a server's tasks on threads of its own, so that it also answers while the rest of the process keeps the threads of tasks busy.
final class ServerExecutor: TaskExecutor {
    private let queue = DispatchQueue(label: "policy server", attributes: .concurrent)

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
