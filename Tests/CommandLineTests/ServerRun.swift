import Foundation
import Testing

/// A run of `dpolicy serve` that has reported its address.
struct ServerRun {
    /// The report of a server that is ready.
    struct Ready: Decodable {
        let address: String
        let port: Int
    }

    /// Starts a server on a free port and waits until it listens.
    static func start(_ options: [String]) throws -> (run: CommandLineRun, ready: Ready) {
        let run = try CommandLineRun(["serve", "--port", "0", "--json"] + options)
        while run.isRunning {
            if let ready = try? JSONDecoder().decode(Ready.self, from: Data(run.outputSoFar.utf8)) {
                return (run, ready)
            }
            usleep(10_000)
        }
        Issue.record("\(try run.wait().errors)")
        throw CocoaError(.executableLoad)
    }
}
