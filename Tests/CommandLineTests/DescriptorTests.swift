import DPServing
import DiffusionPolicyKit
import Foundation
import TestSupport
import Testing

/// `dpolicy serve` with a low limit of open files.
@Suite(.timeLimit(.minutes(5))) struct DescriptorTests {
    /// A raw connection that sends given text.
    private final class Socket {
        private let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)

        init(port: Int) {
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = in_port_t(port).bigEndian
            address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
            var patience = timeval(tv_sec: 30, tv_usec: 0)
            setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
            let descriptor = descriptor
            _ = withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
        }

        deinit { close(descriptor) }

        /// Sends a request.
        /// - Returns: the status line of the response; empty if there is none.
        func ask(_ path: String, _ headers: [String] = []) -> String {
            let text = (["GET \(path) HTTP/1.1", "Host: 127.0.0.1"] + headers + ["", ""]).joined(separator: "\r\n")
            _ = send(descriptor, text, text.utf8.count, Int32(MSG_NOSIGNAL))
            var bytes = [UInt8](repeating: 0, count: 1024)
            let count = max(recv(descriptor, &bytes, bytes.count, 0), 0)
            return String(String(decoding: bytes[..<count], as: UTF8.self).prefix { !$0.isNewline })
        }

        func becomeWebSocket() -> String {
            ask(
                "/",
                [
                    "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
                    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
                ])
        }
    }

    /// Returns the seconds of processor time that a process has used.
    private func processorSeconds(_ process: Int32) throws -> Double {
        let text = try String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)
        // Split after the name, which may hold any character: user and system time are the 12th and 13th fields.
        let features = try #require(text.split(separator: ")").last).split(separator: " ")
        let ticks = try #require(Double(features[11])) + #require(Double(features[12]))
        return ticks / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    @Test(arguments: [10, 16]) func tooFewFilesAreRefused(limit: Int) throws {
        let folder = try TemporaryFolder()
        try Fixtures.writePushTPolicy(to: folder("policy"))
        let command = "ulimit -n \(limit); exec \"$0\" serve --port 0 --threads 1 --policy \"$1\""
        let outcome = try CommandLineRun(
            ["-c", command, CommandLineRun.executable.path, folder("policy").path],
            executable: URL(fileURLWithPath: "/bin/sh")
        ).wait()
        #expect(outcome.status == 1)
        #expect(isOneLine(outcome.errors, with: "open files (ulimit -n)"), "\(outcome.errors)")
    }

    @Test func fewFilesAllowFewClients() throws {
        let folder = try TemporaryFolder()
        try Fixtures.writePushTPolicy(to: folder("policy"))
        let command = "ulimit -n 64; exec \"$0\" serve --port 0 --json --threads 1 --policy \"$1\""
        let run = try CommandLineRun(
            ["-c", command, CommandLineRun.executable.path, folder("policy").path],
            executable: URL(fileURLWithPath: "/bin/sh"))
        var ready: ServerRun.Ready?
        while run.isRunning, ready == nil {
            ready = try? JSONDecoder().decode(ServerRun.Ready.self, from: Data(run.outputSoFar.utf8))
            usleep(10_000)
        }
        let port = try #require(ready, "\(run.errorsSoFar)").port
        #expect(run.errorsSoFar.contains("warning: open files (ulimit -n)"), "\(run.errorsSoFar)")

        // With more clients than files, the first ones connect and the others get 503. None waits forever.
        var (robots, answers) = ([Socket](), [String]())
        for _ in 0..<100 {
            robots.append(Socket(port: port))
            answers.append(robots[robots.count - 1].becomeWebSocket())
        }
        #expect(answers.count { $0.hasPrefix("HTTP/1.1 101") } > 10, "\(answers)")
        #expect(answers.count { $0.hasPrefix("HTTP/1.1 503") } > 10, "\(answers)")
        #expect(!answers.contains(""), "\(answers)")
        #expect(run.errorsSoFar.contains("refused with 503"), "\(run.errorsSoFar)")
        for _ in 0..<5 { #expect(Socket(port: port).ask("/healthz") == "HTTP/1.1 200 OK") }

        // Silent connections use up the remaining files and are closed.
        let silent = (0..<100).map { _ in Socket(port: port) }
        var healthy = ""
        for _ in 0..<20 where healthy.isEmpty { healthy = Socket(port: port).ask("/healthz") }
        #expect(healthy == "HTTP/1.1 200 OK")
        let before = try processorSeconds(run.identifier)
        Thread.sleep(forTimeInterval: 3)
        #expect(try processorSeconds(run.identifier) - before < 0.3)
        withExtendedLifetime((robots, silent)) {}
        run.signal(SIGTERM)
        #expect(try run.wait().status == 0)
    }

    /// The message limit is raised for large requests by default; a limit too small for the policy is refused at
    /// the start.
    @Test func requestsOfThePolicyFitIntoAMessage() throws {
        let folder = try TemporaryFolder()
        try Fixtures.writePushTPolicy(to: folder("policy"))
        let refused = try dpolicy("serve", "--policy", folder("policy").path, "--port", "0", "--message-bytes", "1100")
        #expect(refused.status == 1)
        #expect(refused.errors.contains("--message-bytes"), "\(refused.errors)")
    }
}
