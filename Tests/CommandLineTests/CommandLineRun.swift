import Foundation
import TestSupport
import Testing

/// A run of the real executable, which is built next to the tests.
final class CommandLineRun {
    /// The output of a run and its exit status.
    struct Outcome {
        let status: Int32
        /// Whether a signal ended the process.
        let isKilled: Bool
        let output: String
        let errors: String

        /// The lines of the output.
        var lines: [Substring] { output.split(separator: "\n") }

        /// Parses the output as a JSON object and checks that its keys are in snake_case.
        func json() throws -> [String: Any] {
            #expect(try jsonKeys(in: Data(output.utf8)).filter { $0.contains(where: \.isUppercase) } == [])
            return try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any] ?? [:]
        }
    }

    static var executable: URL {
        let tests = Bundle.main.executableURL ?? URL(fileURLWithPath: CommandLine.arguments[0])
        return tests.deletingLastPathComponent().appendingPathComponent("dpolicy")
    }

    private let process = Process()
    private let folder: TemporaryFolder

    /// Starts a command.
    init(_ arguments: [String], executable: URL = executable, directory: URL? = nil) throws {
        folder = try TemporaryFolder()
        process.executableURL = executable
        process.arguments = arguments
        process.currentDirectoryURL = directory ?? folder.url
        process.standardInput = FileHandle.nullDevice
        // Use files: pipes would have to be read while the command runs.
        process.standardOutput = try FileHandle(forWritingTo: make("output"))
        process.standardError = try FileHandle(forWritingTo: make("errors"))
        try process.run()
    }

    private func make(_ name: String) throws -> URL {
        try Data().write(to: folder(name))
        return folder(name)
    }

    var isRunning: Bool { process.isRunning }

    /// The output so far.
    var outputSoFar: String { (try? String(contentsOf: folder("output"), encoding: .utf8)) ?? "" }

    /// The text on standard error so far.
    var errorsSoFar: String { (try? String(contentsOf: folder("errors"), encoding: .utf8)) ?? "" }

    /// The process identifier.
    var identifier: Int32 { process.processIdentifier }

    /// Sends a signal.
    func signal(_ number: Int32) { kill(process.processIdentifier, number) }

    /// Waits for the end.
    func wait() throws -> Outcome {
        process.waitUntilExit()
        return Outcome(
            status: process.terminationStatus, isKilled: process.terminationReason == .uncaughtSignal,
            output: try String(contentsOf: folder("output"), encoding: .utf8),
            errors: try String(contentsOf: folder("errors"), encoding: .utf8))
    }
}

/// Runs a command to its end.
func dpolicy(_ arguments: String..., directory: URL? = nil) throws -> CommandLineRun.Outcome {
    try CommandLineRun(arguments, directory: directory).wait()
}

/// Whether the errors are one line with the expected prefix and these words.
func isOneLine(_ errors: String, with words: String...) -> Bool {
    let lines = errors.split(separator: "\n")
    return lines.count == 1 && errors.hasPrefix("dpolicy: error: ") && words.allSatisfy(errors.contains)
}
