import ArgumentParser
import DPBase
import DPDatasets
import DPEvaluation
import DPPushT
import Foundation

/// Replays actions in a simulator.
struct Simulate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Replay actions in a simulator and print every state as a line of JSON.",
        discussion: """
            Prints {"step":k,"state":[agent x, agent y, block x, block y, angle],"coverage":c,"reward":r,"done":d} \
            for each control step; step 0 is the reset. Success does not end the simulation.

            Examples:
              echo '[[256, 256], [300, 200]]' > actions.json
              dpolicy simulate pusht --seed 7 --actions actions.json --hold 10
              dpolicy simulate pusht --seed 7 --actions actions.json --image frames
            """)

    /// The tasks that can be simulated.
    enum Task: String, ExpressibleByArgument, CaseIterable {
        case pusht
    }

    /// The orders of setting the position and angle of the block.
    enum Reset: String, ExpressibleByArgument, CaseIterable {
        case legacy
        case new

        var order: PushTDefinition.ResetOrder {
            switch self {
            case .legacy: .legacy
            case .new: .new
            }
        }
    }

    @Argument(help: "The task: pusht.")
    var task: Task

    @Option(parsing: .unconditional, help: "Seed of the start state.")
    var seed: UInt64 = 0

    @OptionGroup var starts: SeedOptions

    @Option(help: ArgumentHelp("JSON file with an array of targets [x, y] in pixels.", valueName: "file"))
    var actions: String

    @Option(parsing: .unconditional, help: "Control steps for which each action is held.")
    var hold = 1

    @Option(help: ArgumentHelp("Write a 96×96 image of each step to this folder.", valueName: "dir"))
    var image: String?

    @Option(help: "Which of the block's position and angle is set first: legacy (position) or new (angle).")
    var reset = Reset.legacy

    @OptionGroup var global: GlobalOptions

    func validate() throws {
        guard (1...1_000_000).contains(hold) else {
            throw ValidationError("--hold: expected 1...1000000, found \(hold)")
        }
    }

    func run() throws {
        let targets = try Self.readActions(actions)
        var definition = PushTDefinition()
        definition.resetOrder = reset.order
        definition.seeds = starts.seeds
        let environment = PushTEnvironment(seed: seed, definition: definition)
        let frames = image.map { URL(fileURLWithPath: $0) }
        if let frames { try FileManager.default.createDirectory(at: frames, withIntermediateDirectories: true) }
        try show(environment, frames: frames)
        for (index, target) in targets.enumerated() {
            for _ in 0..<hold {
                do { try environment.step(toward: target) } catch {
                    throw InputError(
                        at: "\(actions), action \(index)", expected: "a target point within reach of the agent",
                        found: "\(error)")
                }
                try show(environment, frames: frames)
            }
        }
    }

    private func show(_ environment: PushTEnvironment, frames: URL?) throws {
        StandardOutput.write(line: PushTRecord(of: environment).json)
        guard let frames else { return }
        let name = String(format: "%06d.png", environment.stepCount)
        try PNG.write(environment.observationImage(), to: frames.appendingPathComponent(name))
    }

    private static func readActions(_ path: String) throws -> [SIMD2<Double>] {
        func failure(_ found: String) -> InputError {
            InputError(at: path, expected: "a JSON array of actions [x, y]", found: found)
        }
        // Enough for a million actions.
        let data = try readFile(at: URL(fileURLWithPath: path), limit: 1 << 26)
        let rows: [[Double]]
        do { rows = try JSONDecoder().decode([[Double]].self, from: data) } catch {
            throw failure(reason(error as? DecodingError))
        }
        return try rows.enumerated().map { index, row in
            guard row.count == 2 else { throw failure("\(row.count) numbers as action \(index)") }
            return SIMD2(row[0], row[1])
        }
    }

    /// Describes the invalid action, as far as the parser reports it.
    private static func reason(_ error: DecodingError?) -> String {
        switch error {
        case .typeMismatch(_, let context), .valueNotFound(_, let context):
            context.codingPath.first?.intValue.map { "something else as action \($0)" } ?? "something else"
        case .dataCorrupted: "invalid JSON"
        default: "something else"
        }
    }
}

extension PushTRecord {
    /// One line of JSON with the keys in the order of the properties.
    fileprivate var json: String {
        let numbers = state.map { "\($0)" }.joined(separator: ",")
        return """
            {"step":\(step),"state":[\(numbers)],"coverage":\(coverage),"reward":\(reward),"done":\(done)}
            """
    }
}
