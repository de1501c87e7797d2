import Foundation
import PolicyInterface
import PolicyMessages
import Synchronization

/// Many robots that ask a server at the same time, each its next question as soon as it has its answer.
public struct ServerLoad: Sendable {
    /// How many robots there are, each with a connection of its own.
    public var clients: Int
    /// How long they ask.
    public var time: Duration

    /// A load of so many robots.
    public init(clients: Int, time: Duration) {
        self.clients = clients
        self.time = time
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
        /// The first of the errors.
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
            case median
            case p99
        }
    }

    /// Connects, then asks for the whole time, one thread a robot.
    ///
    /// What they tell to see is drawn at random: how long a denoising takes does not depend on it.
    /// - Throws: `InvalidSetting`, or `PolicyClientError` when a robot cannot connect.
    public func run(_ address: ServerAddress, configuration: PolicyClientConfiguration) throws -> Report {
        guard (1...1024).contains(clients) else {
            throw InvalidSetting(key: "clients", expected: "1...1024", found: clients)
        }
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
                let (latencies, errors) = robot.ask(until: start + time)
                tally.add(latencies, errors)
                group.leave()
            }
        }
        group.wait()
        return tally.report(clients: clients, seconds: (ContinuousClock.now - start) / .seconds(1))
    }
}

/// One of the robots; its thread alone uses its client.
private struct Robot: @unchecked Sendable {
    let client: PolicyClient
    let number: Int

    /// Asks one question after another.
    /// - Returns: how many milliseconds each answer took, and the errors.
    func ask(until end: ContinuousClock.Instant) -> (latencies: [Double], errors: [String]) {
        var latencies: [Double] = []
        var errors: [String] = []
        var count = 0
        while ContinuousClock.now < end {
            let key = RandomKey(seed: UInt64(number)).folding(count)
            let observations = (0..<client.horizon.observation).map {
                client.metadata.observations.sample(key.folding($0))
            }
            let start = ContinuousClock.now
            do {
                _ = try client.chunks(for: [ChunkRequest(observations: observations, key: key)])
                latencies.append((ContinuousClock.now - start) / .milliseconds(1))
            } catch {
                errors.append("\(error)")
            }
            count += 1
        }
        return (latencies, errors)
    }
}

/// What all robots have seen so far.
private final class Tally: Sendable {
    private let seen = Mutex((latencies: [Double](), errors: [String]()))

    func add(_ latencies: [Double], _ errors: [String]) {
        seen.withLock { seen in
            seen.latencies += latencies
            seen.errors += errors
        }
    }

    func report(clients: Int, seconds: Double) -> ServerLoad.Report {
        let (latencies, errors) = seen.withLock { ($0.latencies.sorted(), $0.errors) }
        func quantile(_ fraction: Double) -> Double {
            latencies.isEmpty ? 0 : latencies[Int(fraction * Double(latencies.count - 1))]
        }
        return ServerLoad.Report(
            clients: clients, seconds: seconds, answers: latencies.count, errors: errors.count,
            firstError: errors.first, median: quantile(0.5), p99: quantile(0.99))
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
