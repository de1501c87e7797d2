import DPPushT
import DiffusionPolicyKit
import Foundation
import TestSupport
import Testing

/// `dpolicy play` and `dpolicy record` in a real browser.
@Suite(.serialized) struct PageTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// Starts a subcommand that serves a page, and returns the page's address.
    private func serve(_ arguments: String...) throws -> (run: CommandLineRun, address: String) {
        let run = try CommandLineRun(arguments + ["--port", "0", "--no-open"])
        let end = Date().addingTimeInterval(120)
        while Date() < end, run.isRunning {
            let line = run.outputSoFar.split(separator: "\n").first { $0.contains("http://") }
            if let address = line?.split(separator: " ").last { return (run, String(address)) }
            usleep(50_000)
        }
        run.signal(SIGKILL)
        let outcome = try run.wait()
        throw Browser.Failure(description: "no address: \(outcome.output)\(outcome.errors)")
    }

    private func writePolicy() throws -> String {
        let policy = folder("policy")
        try Fixtures.writePushTPolicy(to: policy)
        return policy.path
    }

    /// Parses the leading number of an element's text.
    private func number(_ text: String) -> Double { Double(text.prefix { $0.isNumber || $0 == "." }) ?? .nan }

    /// The point where the test grabs a block: on its bar.
    private static func grip(of block: Pose) -> SIMD2<Double> { block.point(SIMD2(0, 20)) }

    /// Returns the gain in reward when the block of a start state is moved over the goal without rotation.
    private func expectedGain(seed: UInt64) throws -> Float {
        let environment = PushTEnvironment(seed: seed)
        let before = environment.reward
        let toAgent = environment.state.agent - Self.grip(of: environment.state.block)
        // If the pusher is near, the mouse would grab it instead.
        if (toAgent * toAgent).sum() < 50 * 50 { return 0 }
        let goal = environment.definition.goal.position
        try environment.moveBlock(to: Pose(position: goal, angle: environment.state.block.angle))
        return environment.reward - before
    }

    @Test(.enabled(if: Browser.executable != nil, "\(Browser.hint)"))
    func theSceneMovesAndCanBeDragged() throws {
        let seed = try #require((12..<100).first { try expectedGain(seed: $0) > 0.3 })
        let (run, address) = try serve("play", "--policy", writePolicy(), "--seed", "\(seed)")
        defer { if run.isRunning { run.signal(SIGKILL) } }
        let browser = try Browser(opening: address)
        try browser.resize(width: 1280, height: 860)
        try browser.wait(for: "document.getElementById('score').textContent.includes('%')")

        // It moves by itself.
        let picture = "document.getElementById('scene').toDataURL()"
        let before = try #require(try browser.value(picture) as? String)
        _ = try browser.value("window.before = \(picture)")
        try browser.wait(for: "\(picture) !== window.before")
        #expect(before.hasPrefix("data:image/png"))
        try browser.wait(for: "document.getElementById('rate').textContent.includes('Hz')")
        try browser.wait(for: "document.getElementById('latency-now').textContent.includes('ms')")

        // Pause at the start, where the test knows the position of the block.
        try browser.click("run")
        try browser.wait(for: "document.getElementById('run').textContent === 'Run'")
        try browser.click("restart")
        let start = PushTEnvironment(seed: seed)
        let score = "\(Int((start.reward * 100).rounded())) %"
        try browser.wait(for: "document.getElementById('score').textContent === '\(score)'")

        // Drag the block over the goal, which increases the coverage.
        let block = start.state.block
        let grip = Self.grip(of: block)
        let goal = start.definition.goal.position
        try browser.mouse("mouseMoved", at: browser.place(grip))
        try browser.mouse("mousePressed", at: browser.place(grip))
        for part in 1...8 {
            let way = (goal - block.position) * (Double(part) / 8)
            try browser.mouse("mouseMoved", at: browser.place(grip + way))
        }
        try browser.wait(for: "parseFloat(document.getElementById('score').textContent) > \(number(score) + 10)")
        try browser.mouse("mouseReleased", at: browser.place(grip + goal - block.position))

        // Check the keyboard shortcuts.
        try browser.press(".", code: "Period")
        try browser.press("n", code: "KeyN")
        try browser.wait(for: "document.getElementById('best').textContent.includes('seed \(seed + 1)')")
        try browser.click("show-samples")
        try browser.wait(for: "document.getElementById('samples-value').textContent === '8 plans'")
        try browser.press(" ", code: "Space")
        try browser.wait(for: "document.getElementById('run').textContent === 'Pause'")
        try takeScreenshots(of: browser, name: "play")
        #expect(browser.complaints.isEmpty)

        // When the program ends, the page shows the lost connection.
        run.signal(SIGKILL)
        _ = try run.wait()
        try browser.wait(for: "document.getElementById('banner').checkVisibility()")
        try browser.wait(for: "document.getElementById('banner').textContent.includes('Connection lost')")
    }

    /// Whether the scene with its buttons is inside the window, and the panel is next to or below it.
    private static let isOrderly = """
        (([stage, panel]) => stage.bottom <= innerHeight && (stage.right <= panel.left || stage.bottom <= panel.top))(
            ['stage', 'panel'].map((id) => document.getElementById(id).getBoundingClientRect()))
        """

    /// Checks the layout in both themes and several window sizes.
    ///
    /// Writes screenshots if `DPOLICY_SCREENSHOTS` names a folder.
    private func takeScreenshots(of browser: Browser, name: String) throws {
        for theme in ["light", "dark"] {
            try browser.prefer(theme: theme)
            let ground = try browser.value("getComputedStyle(document.body).backgroundColor") as? String
            #expect(ground == (theme == "light" ? "rgb(245, 246, 248)" : "rgb(18, 22, 28)"))
            for (size, width, height) in [("large", 1440, 900), ("flat", 800, 600), ("small", 420, 800)] {
                try browser.resize(width: width, height: height, density: 2)
                // Nothing overflows or overlaps, and the buttons are visible.
                try browser.wait(for: "document.documentElement.scrollWidth <= \(width)")
                try browser.wait(for: Self.isOrderly)
                try browser.wait(for: "document.getElementById('scene').width >= 640")
                usleep(600_000)
                let picture = try browser.screenshot()
                guard let path = ProcessInfo.processInfo.environment["DPOLICY_SCREENSHOTS"] else { continue }
                try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
                try picture.write(to: URL(fileURLWithPath: path).appendingPathComponent("\(name)-\(theme)-\(size).png"))
            }
        }
    }

    @Test(.enabled(if: Browser.executable != nil, "\(Browser.hint)"))
    func trainsOnEpisodesRecordedWithTheMouse() throws {
        let output = folder("mine.zarr")
        let (run, address) = try serve("record", "--output", output.path, "--seed", "20")
        defer { if run.isRunning { run.signal(SIGKILL) } }
        let browser = try Browser(opening: address)
        try browser.resize(width: 1100, height: 860)
        try browser.wait(for: "document.getElementById('score').textContent.includes('%')")
        for episode in 0..<3 {
            let start = PushTEnvironment(seed: 20 + UInt64(episode))
            try browser.wait(for: "document.getElementById('best').textContent.includes('seed \(20 + episode)')")
            try drive(browser, from: start.state.agent, frames: 24)
            if episode == 1 {
                // Redo: the driven frames are discarded.
                try browser.press("r", code: "KeyR")
                try browser.wait(for: "document.getElementById('frames').textContent === '0'")
                try drive(browser, from: start.state.agent, frames: 24)
            }
            if episode == 2 { try takeScreenshots(of: browser, name: "record") }
            try browser.press("k", code: "KeyK")
            try browser.wait(for: "document.getElementById('saved').textContent === '\(episode + 1)'")
        }
        #expect(browser.complaints.isEmpty)

        // Kill the process during the fourth episode.
        try drive(browser, from: PushTEnvironment(seed: 23).state.agent, frames: 5)
        run.signal(SIGKILL)
        _ = try run.wait()
        let recorded = try InMemoryDataset(contentsOf: output)
        #expect(recorded.episodes.count == 3)
        #expect(recorded.episodes.allSatisfy { $0.count >= 24 })

        // Use a tiny network, and action limits outside the workspace, which disable the slow video of rollouts.
        let training = try dpolicy(
            "train", "--recipe", "pusht-demo", "--data", output.path, "--output", folder("run").path,
            "--set", "policy.denoiser.widths=[8, 16]", "--set", "policy.denoiser.groups=4",
            "--set", "policy.denoiser.step_embedding=8", "--set", "policy.diffusion.steps=10",
            "--set", "policy.action.limits.upper=[600, 600]", "--set", "training.steps=2",
            "--set", "training.batch_size=8", "--set", "training.learning_rate_schedule.warm_up=1")
        #expect(training.status == 0, "\(training.errors)")
    }

    /// Grabs the pusher, moves it until the number of frames is recorded, and releases it.
    private func drive(_ browser: Browser, from agent: SIMD2<Double>, frames: Int) throws {
        try browser.mouse("mousePressed", at: browser.place(agent))
        for step in 0..<400 {
            let angle = Double(step) / 6
            let target = SIMD2(256 + 120 * cos(angle), 256 + 120 * sin(angle))
            try browser.mouse("mouseMoved", at: browser.place(target))
            if try number(browser.text("frames")) >= Double(frames) { break }
            usleep(40_000)
        }
        try browser.mouse("mouseReleased", at: browser.place(SIMD2(256, 256)))
        #expect(try number(browser.text("frames")) >= Double(frames))
    }

    @Test func refusesWhatItCannotServe() throws {
        let missing = try dpolicy("play", "--policy", folder("none").path, "--no-open")
        #expect(missing.status == 1)
        #expect(isOneLine(missing.errors, with: "policy"))
        let port = try dpolicy("play", "--port", "70000", "--no-open")
        #expect(port.status == 64)
        #expect(isOneLine(port.errors, with: "--port"))
        try Data().write(to: folder("file"))
        let file = try dpolicy("record", "--output", folder("file").path, "--no-open")
        #expect(file.status == 1)
        #expect(isOneLine(file.errors, with: "zarr folder"))
        let seeds = try dpolicy("record", "--output", folder("a.zarr").path, "--seed", "100010", "--no-open")
        #expect(seeds.status == 64)
        #expect(isOneLine(seeds.errors, with: "final test"))
    }
}
