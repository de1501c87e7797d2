import ArgumentParser
import DPPlay
import Foundation
import Logging

/// Options of every subcommand that serves a page.
struct PageOptions: ParsableArguments {
    @Option(parsing: .unconditional, help: "Port to listen on; 0 selects a free port.")
    var port = 8080

    @Flag(inversion: .prefixedNo, help: "Open the page in a browser if a desktop is available.")
    var open = true

    func validate() throws {
        guard (0...65535).contains(port) else { throw ValidationError("--port: expected 0...65535, found \(port)") }
    }

    /// Serves a scene, prints its address, opens the page, and waits for an interruption by the user.
    /// - Parameters:
    ///   - notice: the message to the user on interruption.
    ///   - keepsOutput: whether standard output is reserved for a JSON result; the address then goes to standard error.
    func serve(_ scene: LiveScene, notice: String, keepsOutput: Bool) throws {
        let end = DispatchSemaphore(value: 0)
        let interruption = Interruption(notice) { end.signal() }
        let number = port
        let server = try awaiting { try await PageServer.start(scene, port: number, log: .messages) }
        let place = "page  \(server.address)"
        if keepsOutput {
            StandardError.write("\(place)\n")
        } else {
            StandardOutput.write(line: place)
            try StandardOutput.flush()
        }
        if open { Self.openBrowser(at: server.address) }
        withExtendedLifetime(interruption) { end.wait() }
        try awaiting { await server.shutDown() }
    }

    /// Opens an address in the browser of the desktop.
    ///
    /// Does nothing without a desktop, since the address was printed.
    private static func openBrowser(at address: String) {
        let environment = ProcessInfo.processInfo.environment
        guard environment["DISPLAY"] != nil || environment["WAYLAND_DISPLAY"] != nil else { return }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["xdg-open", address]
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try? process.run()
    }
}
