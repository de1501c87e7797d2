import ArgumentParser
import DPBase
import Foundation

extension RootCommand {
    /// Reports an error and exits.
    ///
    /// Only this function maps errors to exit codes.
    ///
    /// 0 for help and version, 64 (`EX_USAGE` of BSD's `sysexits.h`) for invalid arguments, 128 plus the signal
    /// number after a signal, 1 for all other errors.
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

    /// Exits immediately.
    ///
    /// Callers flush output first. `exit` would destroy objects that running threads still use.
    static func end(_ code: Int32) -> Never { _exit(code) }

    private static func complain(_ text: String) {
        try? StandardOutput.flush()
        let line = text.split(whereSeparator: \.isNewline).joined(separator: " ")
        StandardError.write("dpolicy: error: \(line)\n")
    }

    /// A reference to the help of the subcommand.
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

    /// Describes an error in one line; Foundation errors with their path and reason.
    static func explanation(of error: any Error) -> String {
        switch error {
        case let error as CocoaError:
            let path = error.userInfo[NSFilePathErrorKey] as? String
            return "\(path.map { "\($0): " } ?? "")\(systemReason(of: error))"
        default: return "\(error)"
        }
    }
}

/// Runs a check of user input and reports a failure as a usage error.
func checkingUsage<Result>(_ body: () throws -> Result) throws -> Result {
    do { return try body() } catch { throw ValidationError("\(error)") }
}
