import Foundation
import PolicyInterface
import PolicyMessages
import Synchronization

/// Many robots that ask a server at the same time, each its next question as soon as it has its answer.
public struct ServerLoad: Sendable {
    /// How many robots there are, each with a connection of its own.
    public var clients: Int
    /// How many seconds they ask.
    public var seconds: Double
    /// After how many seconds there is a report; only at the end if nil.
    public var interval: Double?

    /// A load of so many robots.
    public init(clients: Int, seconds: Double, interval: Double? = nil) {
        self.clients = clients
        self.seconds = seconds
        self.interval = interval
    }

    /// Checks the numbers.
    /// - Throws: `InvalidSetting`.
    public func validate() throws {
        guard (1...1024).contains(clients) else {
            throw InvalidSetting(key: "clients", expected: "1...1024", found: clients)
        }
        guard seconds > 0, seconds <= 86_400 else {
            throw InvalidSetting(key: "seconds", expected: "above 0 and at most 86400", found: seconds)
        }
        if let interval, !(interval >= 0.01 && interval <= seconds) {
            throw InvalidSetting(key: "interval", expected: "0.01 to \(seconds) seconds", found: interval)
        }
    }

    /// What robots got from a server.
    public struct Report: Codable, Sendable, Equatable {
        /// How many robots there were.
        public var clients: Int
        /// Seconds from the first question to the last answer.
        public var seconds: Double
        /// Answers.
        public var answers: Int
        /// Questions that got an error instead.
        public var errors: Int
        /// The first error that a robot got.
        public var firstError: String?
        /// Half of the answers came faster, in milliseconds.
        public var median: Double
        /// 99 of 100 answers came faster, in milliseconds.
        public var p99: Double

        /// Answers a second, for all robots together.
        public var rate: Double { Double(answers) / seconds }

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

    /// Connects, then asks for the whole time, one thread a robot.
    ///
    /// What they tell to see is drawn at random: how long a denoising takes does not depend on it.
    /// - Parameter tell: gets what happened in each interval when it ends; an answer belongs to the interval in which it came.
    /// - Throws: `InvalidSetting`, `PolicyClientError` when a robot cannot connect, or what `tell` throws.
    public func run(
        _ address: ServerAddress, configuration: PolicyClientConfiguration, tell: (Report) throws -> Void
    ) throws {
        try validate()
        var single = configuration
        single.connections = 1
        // What is lost is to be counted.
        single.retryTime = .zero
        let robots = try (0..<clients).map {
            Robot(client: try PolicyClient(address, configuration: single), number: $0)
        }
        let tally = Tally()
        let start = ContinuousClock.now
        let end = start + .seconds(seconds)
        let group = DispatchGroup()
        for robot in robots {
            group.enter()
            Thread.detachNewThread {
                robot.ask(until: end, tally)
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

/// What robots got.
private struct Findings {
    /// How many milliseconds each answer took.
    var latencies: [Double] = []
    /// How many errors came instead, and the first of them.
    var errors = 0
    var firstError: String?

    func report(clients: Int, seconds: Double) -> ServerLoad.Report {
        let latencies = latencies.sorted()
        func quantile(_ fraction: Double) -> Double {
            latencies.isEmpty ? 0 : latencies[Int(fraction * Double(latencies.count - 1))]
        }
        return ServerLoad.Report(
            clients: clients, seconds: seconds, answers: latencies.count, errors: errors, firstError: firstError,
            median: quantile(0.5), p99: quantile(0.99))
    }
}

/// One of the robots; its thread alone uses its client.
private struct Robot: @unchecked Sendable {
    let client: PolicyClient
    let number: Int

    /// Asks one question after another.
    func ask(until end: ContinuousClock.Instant, _ tally: Tally) {
        var count = 0
        while ContinuousClock.now < end {
            let key = RandomKey(seed: UInt64(number)).folding(count)
            let observations = (0..<client.horizon.observation).map {
                client.metadata.observations.sample(key.folding($0))
            }
            let start = ContinuousClock.now
            do {
                _ = try client.chunks(for: [ChunkRequest(observations: observations, key: key)])
                tally.noteAnswer(after: ContinuousClock.now - start)
            } catch {
                tally.noteError("\(error)")
                // A server that refuses at once is not asked a thousand times in a row.
                usleep(10_000)
            }
            count += 1
        }
    }
}

/// What all robots have got since it was last taken.
private final class Tally: Sendable {
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
    /// An observation of random numbers in 0 … 1 and of grey images.
    fileprivate func sample(_ key: RandomKey) -> Observation {
        var observation = Observation()
        for field in fields {
            let key = key.folding(field.name)
            observation.vectors[field.name] = (0..<(field.width ?? 0)).map { Float(key.uniform(at: $0)) }
        }
        for image in images {
            guard let size = image.size else { continue }
            observation.images[image.name] = RGBImage(
                width: size.width, height: size.height, filledWith: (red: 128, green: 128, blue: 128))
        }
        return observation
    }
}
