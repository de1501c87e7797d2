import Foundation
import TestSupport
import Testing

/// A headless Chromium, controlled over pipes with the DevTools protocol.
///
/// (chromedevtools.github.io/devtools-protocol; `--remote-debugging-pipe`: commands on file descriptor 3, responses
/// on 4, each ended by a zero byte.)
final class Browser {
    /// A failure of the browser, or an unmet expectation.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// The browser executable, if one is installed.
    static let executable: URL? = ["chromium", "chromium-browser", "google-chrome"]
        .flatMap { name in
            (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map { "\($0)/\(name)" }
        }
        .first(where: FileManager.default.isExecutableFile(atPath:)).map(URL.init(fileURLWithPath:))

    /// The message of a skipped test.
    static let hint = "install chromium"

    private let folder: TemporaryFolder
    private let process = Process()
    private let commands: Int32
    private let answers: Int32
    private var received: [UInt8] = []
    private var calls = 0
    private var session: String?
    /// Errors of the page's scripts.
    private(set) var complaints: [String] = []

    /// The number of polls before a wait fails, at twenty per second; generous for busy test machines.
    private static let patience = 2400

    /// Starts the browser and opens a page.
    init(opening address: String) throws {
        let folder = try TemporaryFolder()
        self.folder = folder
        let pipes = ["commands", "answers"].map { folder($0).path }
        for path in pipes where mkfifo(path, 0o600) != 0 { throw Failure(description: "no pipe at \(path)") }
        // Open for reading and writing, so that opening does not block.
        commands = open(pipes[0], O_RDWR | O_CLOEXEC)
        answers = open(pipes[1], O_RDWR | O_CLOEXEC | O_NONBLOCK)
        guard let program = Self.executable else { throw Failure(description: Self.hint) }
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        let line = """
            exec "$0" --headless=new --no-sandbox --disable-gpu --hide-scrollbars --no-first-run --disable-dev-shm-usage --disable-breakpad \
            --user-data-dir="$1" --remote-debugging-pipe about:blank 3<"$2" 4>"$3" >/dev/null 2>&1
            """
        process.arguments = ["-c", line, program.path, folder("profile").path, pipes[0], pipes[1]]
        process.standardInput = FileHandle.nullDevice
        try process.run()

        let target = try call("Target.createTarget", ["url": "about:blank"])["targetId"] as? String ?? ""
        session = try call("Target.attachToTarget", ["targetId": target, "flatten": true])["sessionId"] as? String
        try call("Runtime.enable")
        try call("Log.enable")
        try call("Page.enable")
        try call("Page.navigate", ["url": address])
    }

    deinit {
        process.terminate()
        process.waitUntilExit()
        close(commands)
        close(answers)
    }

    // MARK: - The protocol

    /// Calls a method of the protocol and waits for its result.
    @discardableResult
    func call(_ method: String, _ parameters: [String: Any] = [:]) throws -> [String: Any] {
        calls += 1
        var message: [String: Any] = ["id": calls, "method": method, "params": parameters]
        if let session { message["sessionId"] = session }
        let bytes = try JSONSerialization.data(withJSONObject: message) + [0]
        try bytes.withUnsafeBytes { rest in
            var rest = rest[...]
            while !rest.isEmpty {
                let count = write(commands, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
                guard count > 0 else { throw Failure(description: "\(method): the browser is gone") }
                rest = rest.dropFirst(count)
            }
        }
        while true {
            let answer = try nextMessage(method)
            guard answer["id"] as? Int == calls else {
                note(answer)
                continue
            }
            if let error = answer["error"] { throw Failure(description: "\(method): \(error)") }
            return answer["result"] as? [String: Any] ?? [:]
        }
    }

    private func nextMessage(_ method: String) throws -> [String: Any] {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        var looks = 0
        while true {
            if let zero = received.firstIndex(of: 0) {
                defer { received.removeSubrange(...zero) }
                return try JSONSerialization.jsonObject(with: Data(received[..<zero])) as? [String: Any] ?? [:]
            }
            let count = read(answers, &buffer, buffer.count)
            if count > 0 {
                received += buffer[..<count]
            } else {
                guard process.isRunning, looks < 25 * Self.patience else {
                    throw Failure(description: "\(method): no response")
                }
                looks += 1
                usleep(2000)
            }
        }
    }

    private func note(_ event: [String: Any]) {
        let parameters = event["params"] as? [String: Any]
        switch event["method"] as? String {
        case "Runtime.exceptionThrown":
            complaints.append("\((parameters?["exceptionDetails"] as? [String: Any])?["exception"] ?? "an exception")")
        case "Log.entryAdded":
            let entry = parameters?["entry"] as? [String: Any]
            if entry?["level"] as? String == "error" { complaints.append("\(entry?["text"] ?? "an error")") }
        default: break
        }
    }

    // MARK: - User actions

    /// Evaluates an expression in the page.
    func value(_ expression: String) throws -> Any? {
        let result = try call("Runtime.evaluate", ["expression": expression, "returnByValue": true])
        if let details = result["exceptionDetails"] { throw Failure(description: "\(expression): \(details)") }
        return (result["result"] as? [String: Any])?["value"]
    }

    /// Returns the text of an element.
    func text(_ id: String) throws -> String {
        try value("document.getElementById('\(id)').textContent") as? String ?? ""
    }

    /// Waits until an expression is true in the page.
    ///
    /// The page may still be loading.
    func wait(for expression: String) throws {
        for _ in 0..<Self.patience {
            if try value("(() => { try { return \(expression) } catch { return false } })()") as? Bool == true {
                return
            }
            usleep(50_000)
        }
        throw Failure(description: "not in time: \(expression)")
    }

    /// Resizes the window, in pixels of a screen with this density.
    func resize(width: Int, height: Int, density: Double = 1) throws {
        try call(
            "Emulation.setDeviceMetricsOverride",
            ["width": width, "height": height, "deviceScaleFactor": density, "mobile": false])
    }

    /// Sets the system's preferred theme: `light` or `dark`.
    func prefer(theme: String) throws {
        try call("Emulation.setEmulatedMedia", ["features": [["name": "prefers-color-scheme", "value": theme]]])
    }

    /// Sends a mouse event: `mousePressed`, `mouseMoved` or `mouseReleased`.
    func mouse(_ type: String, at point: SIMD2<Double>) throws {
        try call(
            "Input.dispatchMouseEvent",
            ["type": type, "x": point.x, "y": point.y, "button": "left", "buttons": 1, "clickCount": 1])
    }

    /// Clicks an element.
    func click(_ id: String) throws { _ = try value("document.getElementById('\(id)').click()") }

    /// Presses and releases a key.
    func press(_ key: String, code: String) throws {
        try call("Input.dispatchKeyEvent", ["type": "keyDown", "key": key, "code": code, "text": key])
        try call("Input.dispatchKeyEvent", ["type": "keyUp", "key": key, "code": code])
    }

    /// Converts a point of the scene's world to window coordinates.
    func place(_ point: SIMD2<Double>, worldSide: Double = 512) throws -> SIMD2<Double> {
        let box = try value("(b => [b.left, b.top, b.width])(document.getElementById('scene').getBoundingClientRect())")
        guard let box = box as? [Double], box.count == 3 else { throw Failure(description: "no scene") }
        return SIMD2(box[0], box[1]) + point / worldSide * box[2]
    }

    /// Returns a screenshot of the page as PNG.
    func screenshot() throws -> Data {
        let result = try call("Page.captureScreenshot", ["format": "png"])
        guard let data = Data(base64Encoded: result["data"] as? String ?? "") else {
            throw Failure(description: "no picture")
        }
        return data
    }
}
