import DiffusionPolicyKit
import Foundation

/// A policy that asks a server through the unmodified `openpi-client`, which runs in a Python process.
final class OpenpiRelay: ChunkingPolicy {
    private struct Question: Encodable {
        let seed: UInt64
        let fields: [String: [[Float]]]
    }

    let horizon: Horizon
    private let process = Process()
    private let questions = Pipe()
    private let answers = Pipe()

    init(python: String, port: Int, horizon: Horizon) throws {
        self.horizon = horizon
        process.executableURL = URL(fileURLWithPath: python)
        process.arguments = [
            Project.folder.appendingPathComponent("Tests/Clients/openpi_relay.py").path, "\(port)",
        ]
        process.standardInput = questions
        process.standardOutput = answers
        try process.run()
    }

    /// Lets the process end, and waits for it.
    func finish() throws -> Int32 {
        try questions.fileHandleForWriting.close()
        process.waitUntilExit()
        return process.terminationStatus
    }

    func chunks(for requests: [ChunkRequest]) throws -> [ActionChunk] {
        try requests.map { request in
            let names = Set(request.observations.flatMap(\.vectors.keys))
            let fields = names.map { name in (name, request.observations.compactMap { $0.vectors[name] }) }
            let question = Question(seed: request.key.seed, fields: Dictionary(uniqueKeysWithValues: fields))
            var line = try JSONEncoder().encode(question)
            line.append(UInt8(ascii: "\n"))
            try questions.fileHandleForWriting.write(contentsOf: line)
            let actions = try JSONDecoder().decode([[Float]].self, from: try answer())
            return ActionChunk(prediction: actions, executed: actions.indices)
        }
    }

    /// A line of what the process prints.
    private func answer() throws -> Data {
        var line = Data()
        while line.last != UInt8(ascii: "\n") {
            let more = answers.fileHandleForReading.availableData
            guard !more.isEmpty else { throw CocoaError(.fileReadUnknown) }
            line.append(more)
        }
        return line
    }
}
