import DPBase
import DiffusionPolicyKit
import Foundation

/// A policy that sends requests to a server through the unmodified `openpi-client` in a Python process.
final class OpenpiRelay: ChunkingPolicy {
    private struct Message: Encodable {
        let seed: UInt64
        let features: [String: [[Float]]]
    }

    let horizon: Horizon
    private let process = Process()
    private let messages = Pipe()
    private let answers = Pipe()

    init(python: String, port: Int, horizon: Horizon) throws {
        self.horizon = horizon
        process.executableURL = URL(fileURLWithPath: python)
        process.arguments = [
            Project.folder.appendingPathComponent("Tests/Clients/openpi_relay.py").path, "\(port)",
        ]
        process.standardInput = messages
        process.standardOutput = answers
        try process.run()
    }

    /// Closes the input of the process and waits for its end.
    func finish() throws -> Int32 {
        try messages.fileHandleForWriting.close()
        process.waitUntilExit()
        return process.terminationStatus
    }

    func predictActionChunks(for requests: [ChunkRequest]) throws -> [ActionChunk] {
        try requests.map { request in
            let names = Set(request.observations.flatMap(\.vectors.keys))
            let features = names.map { name in (name, request.observations.compactMap { $0.vectors[name] }) }
            let message = Message(seed: request.key.seed, features: Dictionary(uniqueKeysWithValues: features))
            var line = try JSONEncoder().encode(message)
            line.append(UInt8(ascii: "\n"))
            try messages.fileHandleForWriting.write(contentsOf: line)
            let actions = try JSONDecoder().decode([[Float]].self, from: try answer())
            return ActionChunk(prediction: actions, executed: actions.indices)
        }
    }

    /// Reads a line from the output of the process.
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
