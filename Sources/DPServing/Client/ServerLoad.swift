import DPBase
import DPInterface
import Foundation
import Synchronization

/// A load test with many clients, each of which sends its next request as soon as it receives a response.
package struct ServerLoad: Sendable {
    /// The number of clients, each with its own connection.
    package var clients: Int
    /// The duration in seconds.
    package var seconds: Double
    /// The time between reports in seconds; nil for a single report at the end.
    package var interval: Double?

    /// Creates a load test.
    package init(clients: Int, seconds: Double, interval: Double? = nil) {
        self.clients = clients
        self.seconds = seconds
        self.interval = interval
    }

    /// Checks the settings.
    /// - Throws: `InputError`.
    package func validate() throws {
        guard (1...1024).contains(clients) else {
            throw InputError(key: "clients", expected: "1...1024", found: clients)
        }
        guard seconds > 0, seconds <= 86_400 else {
            throw InputError(key: "seconds", expected: "above 0 and at most 86400", found: seconds)
        }
        if let interval, !(interval >= 0.01 && interval <= seconds) {
            throw InputError(key: "interval", expected: "0.01 to \(seconds) seconds", found: interval)
        }
    }

    /// The results of a load test.
    package struct Report: Codable, Sendable, Equatable {
        /// The number of clients.
        package var clients: Int
        /// The time from the first request to the last response in seconds.
        package var seconds: Double
        /// The number of successful responses.
        package var answers: Int
        /// The number of requests that failed.
        package var errors: Int
        /// The first error.
        package var firstError: String?
        /// The median latency of a response in milliseconds.
        package var median: Double
        /// The 99th percentile of the latency in milliseconds.
        package var p99: Double

        /// Responses per second of all clients together.
        package var rate: Double { Double(answers) / seconds }

        private enum CodingKeys: String, CodingKey {
            case clients
            case seconds
            case answers
            case errors
            case firstError = "first_error"
            case median = "median_ms"
            case p99 = "p99_ms"
        }
    }

    /// Connects, then sends requests for the whole time, with one thread per client.
    ///
    /// The observations are random, because the time of denoising does not depend on them.
    /// - Parameter tell: receives a report at the end of each interval; a response belongs to the interval in which
    ///   it arrived.
    /// - Throws: `InputError`, `PolicyClientError` when a client cannot connect, or an error from `tell`.
    package func run(
        _ address: ServerAddress, configuration: PolicyClientConfiguration, tell: (Report) throws -> Void
    ) throws {
        try validate()
        var single = configuration
        single.connections = 1
        // Count lost requests instead of repeating them.
        single.retryDuration = .zero
        let robots = try (0..<clients).map {
            Robot(client: try PolicyClient(address, configuration: single), number: $0)
        }
        let tally = RequestCounter()
        let start = ContinuousClock.now
        let end = start + .seconds(seconds)
        let group = DispatchGroup()
        for robot in robots {
            group.enter()
            Thread.detachNewThread {
                robot.run(until: end, tally)
                group.leave()
            }
        }
        var last = start
        while let interval, last + .seconds(1.5 * interval) <= end {
            let next = last + .seconds(interval)
            Thread.sleep(forTimeInterval: max(0, (next - .now) / .seconds(1)))
            try tell(tally.take().report(clients: clients, seconds: interval))
            last = next
        }
        group.wait()
        try tell(tally.take().report(clients: clients, seconds: (ContinuousClock.now - last) / .seconds(1)))
    }
}

/// The results of all clients in one interval.
private struct Findings {
    /// The latency of each response in milliseconds.
    var latencies: [Double] = []
    /// The number of errors, and the first one.
    var errors = 0
    var firstError: String?

    func report(clients: Int, seconds: Double) -> ServerLoad.Report {
        ServerLoad.Report(
            clients: clients, seconds: seconds, answers: latencies.count, errors: errors, firstError: firstError,
            median: latencies.isEmpty ? 0 : quantile(0.5, of: latencies),
            p99: latencies.isEmpty ? 0 : quantile(0.99, of: latencies))
    }
}

/// A client of the load test, used only by its own thread.
private struct Robot: @unchecked Sendable {
    let client: PolicyClient
    let number: Int

    /// Sends one request after another.
    func run(until end: ContinuousClock.Instant, _ tally: RequestCounter) {
        var count = 0
        while ContinuousClock.now < end {
            let key = RandomKey(seed: UInt64(number)).folding(count)
            let observations = (0..<client.horizon.observation).map {
                client.metadata.observations.sample(key.folding($0))
            }
            let start = ContinuousClock.now
            do {
                _ = try client.predictActionChunks(for: [ChunkRequest(observations: observations, key: key)])
                tally.noteAnswer(after: ContinuousClock.now - start)
            } catch {
                tally.noteError("\(error)")
                // Pause, so that a server that refuses immediately does not receive a flood of requests.
                usleep(10_000)
            }
            count += 1
        }
    }
}

/// A counter of the results of all clients since the last report.
private final class RequestCounter: Sendable {
    private let findings = Mutex(Findings())

    func noteAnswer(after time: Duration) { findings.withLock { $0.latencies.append(time / .milliseconds(1)) } }

    func noteError(_ text: String) {
        findings.withLock { findings in
            findings.errors += 1
            findings.firstError = findings.firstError ?? text
        }
    }

    func take() -> Findings {
        findings.withLock { findings in
            defer { findings = Findings() }
            return findings
        }
    }
}

extension ObservationSchema {
    /// Returns an observation of random numbers in 0 … 1 and of gray images.
    fileprivate func sample(_ key: RandomKey) -> RobotObservation {
        var observation = RobotObservation()
        for feature in features {
            let key = key.folding(feature.name)
            observation.vectors[feature.name] = (0..<(feature.size ?? 0)).map { Float(key.uniform(at: $0)) }
        }
        for image in images {
            guard let size = image.size else { continue }
            observation.images[image.name] = RGBImage(
                width: size.width, height: size.height, filledWith: (red: 128, green: 128, blue: 128))
        }
        return observation
    }
}
