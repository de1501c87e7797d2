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

    /// A load of so many robots.
    public init(clients: Int, seconds: Double) {
        self.clients = clients
        self.seconds = seconds
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
    /// - Throws: `InvalidSetting`, or `PolicyClientError` when a robot cannot connect.
    public func run(_ address: ServerAddress, configuration: PolicyClientConfiguration) throws -> Report {
        try validate()
        var single = configuration
        single.connections = 1
        let robots = try (0..<clients).map {
            Robot(client: try PolicyClient(address, configuration: single), number: $0)
        }
        let tally = Tally()
        let start = ContinuousClock.now
        let group = DispatchGroup()
        for robot in robots {
            group.enter()
            Thread.detachNewThread {
                tally.add(robot.ask(until: start + .seconds(seconds)))
                group.leave()
            }
        }
        group.wait()
        return tally.report(clients: clients, seconds: (ContinuousClock.now - start) / .seconds(1))
    }
}

/// What a robot got, or several.
private struct Findings {
    /// How many milliseconds each answer took.
    var latencies: [Double] = []
    /// How many errors came instead, and the first of them.
    var errors = 0
    var firstError: String?

    mutating func add(_ other: Findings) {
        latencies += other.latencies
        errors += other.errors
        firstError = firstError ?? other.firstError
    }
}

/// One of the robots; its thread alone uses its client.
private struct Robot: @unchecked Sendable {
    let client: PolicyClient
    let number: Int

    /// Asks one question after another.
    func ask(until end: ContinuousClock.Instant) -> Findings {
        var findings = Findings()
        var count = 0
        while ContinuousClock.now < end {
            let key = RandomKey(seed: UInt64(number)).folding(count)
            let observations = (0..<client.horizon.observation).map {
                client.metadata.observations.sample(key.folding($0))
            }
            let start = ContinuousClock.now
            do {
                _ = try client.chunks(for: [ChunkRequest(observations: observations, key: key)])
                findings.latencies.append((ContinuousClock.now - start) / .milliseconds(1))
            } catch {
                findings.errors += 1
                findings.firstError = findings.firstError ?? "\(error)"
                // A server that refuses at once is not asked a thousand times in a row.
                usleep(10_000)
            }
            count += 1
        }
        return findings
    }
}

/// What all robots have seen so far.
private final class Tally: Sendable {
    private let seen = Mutex(Findings())

    func add(_ findings: Findings) { seen.withLock { $0.add(findings) } }

    func report(clients: Int, seconds: Double) -> ServerLoad.Report {
        let seen = seen.withLock { $0 }
        let latencies = seen.latencies.sorted()
        func quantile(_ fraction: Double) -> Double {
            latencies.isEmpty ? 0 : latencies[Int(fraction * Double(latencies.count - 1))]
        }
        return ServerLoad.Report(
            clients: clients, seconds: seconds, answers: latencies.count, errors: seen.errors,
            firstError: seen.firstError, median: quantile(0.5), p99: quantile(0.99))
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
