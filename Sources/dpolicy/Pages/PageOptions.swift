import ArgumentParser
import Foundation
import Logging
import Play

/// What every verb understands that serves a page.
struct PageOptions: ParsableArguments {
    @Option(parsing: .unconditional, help: "Port on this machine; 0 takes any that is free.")
    var port = 8080

    @Flag(inversion: .prefixedNo, help: "Open the page in a browser, where there is a desktop.")
    var open = true

    func validate() throws {
        guard (0...65535).contains(port) else { throw ValidationError("--port: expected 0...65535, found \(port)") }
    }

    /// Serves a scene, says where, opens the page, and waits until the user asks for the end.
    /// - Parameters:
    ///   - notice: what the user is told then.
    ///   - keepsOutput: standard output is to hold nothing but a result in JSON, so that messages tell where the page is.
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

    /// Asks the desktop to show an address; without one nothing happens, as the address was printed.
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
