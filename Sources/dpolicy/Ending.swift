import ArgumentParser
import Foundation
import PolicyInterface

extension Dpolicy {
    /// Says what went wrong and ends the process: the one place where errors become exit codes.
    ///
    /// 0 for help and version, 64 (`EX_USAGE` of BSD's `sysexits.h`) for arguments that cannot be understood, 128 and the number of the signal that
    /// asked for the end, 1 for everything else.
    static func leave(because error: any Error) -> Never {
        if let interrupted = error as? Interrupted {
            try? StandardOutput.flush()
            end(interrupted.exitCode)
        }
        switch exitCode(for: error) {
        case .success:
            StandardOutput.write(line: fullMessage(for: error))
            end((try? StandardOutput.flush()) == nil ? 1 : 0)
        case .validationFailure:
            let refusal = message(for: error)
            complain("\(refusal.hasSuffix(".") ? String(refusal.dropLast()) : refusal); \(hint)")
            end(64)
        default:
            complain(explanation(of: error))
            end(1)
        }
    }

    /// Ends the process at once, after what was written has gone out: `exit` would first take away what threads that still compute use.
    static func end(_ code: Int32) -> Never { _exit(code) }

    private static func complain(_ text: String) {
        try? StandardOutput.flush()
        let line = text.split(whereSeparator: \.isNewline).joined(separator: " ")
        StandardError.write("dpolicy: error: \(line)\n")
    }

    /// Where the right usage is told.
    private static var hint: String {
        var words = ["dpolicy"]
        var verbs = configuration.subcommands
        for argument in CommandLine.arguments.dropFirst() {
            guard let verb = verbs.first(where: { $0._commandName == argument }) else { continue }
            words.append(argument)
            verbs = verb.configuration.subcommands
        }
        return "see \(words.joined(separator: " ")) --help"
    }

    /// An error in one line; Foundation's own with the path and the reason.
    static func explanation(of error: any Error) -> String {
        switch error {
        case let error as CocoaError:
            let path = error.userInfo[NSFilePathErrorKey] as? String
            return "\(path.map { "\($0): " } ?? "")\(systemReason(of: error))"
        default: return "\(error)"
        }
    }
}

/// Runs a check of what the user typed; a failure counts as wrong usage.
func checkingUsage<Result>(_ body: () throws -> Result) throws -> Result {
    do { return try body() } catch { throw ValidationError("\(error)") }
}
