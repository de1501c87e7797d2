import DPBase
import DPInterface
package import Foundation

/// A self-contained page about a training run: figures, rollout video, learning curves, recipe.
package struct Report: Sendable, Equatable {
    /// The heading: what was trained.
    package var title: String
    /// The resolved recipe, as text.
    package var recipe: String
    /// The learning curves.
    package var curves: LearningCurves
    /// Training steps made, if known.
    package var trainingSteps: Int?
    /// Seconds spent in training, if known.
    package var trainingSeconds: Double?
    /// The result of the trained policy, if it was evaluated.
    package var evaluation: EvaluationResult?
    /// The content of the rollouts' mp4 file, if a video was recorded.
    package var video: Data?
    /// The content of a PNG file that shows a policy's keypoints on some frames, if it has any.
    package var keypoints: Data?

    /// A page about a training run.
    package init(
        title: String, recipe: String, curves: LearningCurves = LearningCurves(), trainingSteps: Int? = nil,
        trainingSeconds: Double? = nil, evaluation: EvaluationResult? = nil, video: Data? = nil,
        keypoints: Data? = nil
    ) {
        self.title = title
        self.recipe = recipe
        self.curves = curves
        self.trainingSteps = trainingSteps
        self.trainingSeconds = trainingSeconds
        self.evaluation = evaluation
        self.video = video
        self.keypoints = keypoints
    }

    /// Writes the page.
    /// - Throws: `FileSystemError`; an older file is then as before.
    package func write(to file: URL) throws {
        try AtomicFile.write(Data(html().utf8), to: file)
    }

    /// The page as HTML.
    ///
    /// Its content security policy forbids every request, so that opening it never uses the network.
    package func html() -> String {
        let sections = [figures, videoSection, keypointSection, results, charts, recipeText].compactMap { $0 }.joined(
            separator: "\n")
        return """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta http-equiv="Content-Security-Policy" \
            content="default-src 'none'; style-src 'unsafe-inline'; media-src data:; img-src data:">
            <title>\(escaped(title))</title>
            <style>\(Self.style)</style>
            </head>
            <body>
            <header><p class="kind">Diffusion policy</p><h1>\(escaped(title))</h1></header>
            \(sections)
            </body>
            </html>

            """
    }

    /// The key figures.
    private var figures: String? {
        var figures: [(value: String, name: String)] = []
        if let evaluation {
            // Non-breaking spaces keep figures on one line.
            let interval = evaluation.scoreInterval.map {
                String(format: ", 95\u{A0}%% interval %.3f\u{A0}…\u{A0}%.3f", $0.lower, $0.upper)
            }
            let (episodes, latency) = (evaluation.episodes, evaluation.latency)
            figures += [
                (String(format: "%.3f", evaluation.score), "mean best reward\(interval ?? "")"),
                (
                    String(format: "%.0f\u{A0}%%", 100 * evaluation.successRate),
                    "success, \(episodes.count(where: \.success)) of \(episodes.count) episodes"
                ),
                (
                    String(format: "%.1f\u{A0}ms", latency.median),
                    "median of a policy call for up to \(latency.largestBatch) episodes"
                ),
            ]
        }
        if let trainingSteps {
            let time = trainingSeconds.flatMap { $0.isFinite ? " in \(Self.duration($0))" : nil } ?? ""
            figures.append(("\(trainingSteps)", "training steps\(time)"))
        }
        if figures.isEmpty { return nil }
        let items = figures.map { "<div><b>\(escaped($0.value))</b><span>\(escaped($0.name))</span></div>" }
        return "<section class=\"figures\">\(items.joined())</section>"
    }

    private var videoSection: String? {
        guard let video else { return nil }
        return """
            <section><h2>Rollouts</h2>
            <video controls loop muted autoplay playsinline src="data:video/mp4;base64,\(video.base64EncodedString())"></video>
            <p class="note">Each tile is one episode: its seed and the best reward so far; green once it succeeded.</p>
            </section>
            """
    }

    private var keypointSection: String? {
        guard let keypoints else { return nil }
        return """
            <section><h2>Keypoints of the policy</h2>
            <img alt="Frames with keypoints" src="data:image/png;base64,\(keypoints.base64EncodedString())">
            <p class="note">Frames of the demonstrations; each color is one keypoint of the image encoder.</p>
            </section>
            """
    }

    private var results: String? {
        guard let evaluation else { return nil }
        func row(_ cells: [String], _ tag: String) -> String {
            "<tr>\(cells.map { "<\(tag)>\(escaped($0))</\(tag)>" }.joined())</tr>"
        }
        let episodes = evaluation.episodes.map { episode in
            row(
                [
                    "\(episode.seed)", String(format: "%.3f", episode.bestReward), episode.success ? "yes" : "no",
                    "\(episode.steps)",
                ], "td")
        }
        return """
            <section><h2>Evaluation</h2>
            <div class="scroll"><table>\(row(ResultTable.headings, "th"))\
            \(row(ResultTable.cells(of: evaluation), "td"))</table></div>
            <details><summary>Every episode</summary><div class="scroll"><table>\
            \(row(["seed", "best reward", "success", "steps"], "th"))\(episodes.joined())</table></div></details>
            </section>
            """
    }

    private var charts: String? {
        let plots = curves.plots()
        if plots.isEmpty { return nil }
        return """
            <section><h2>Learning curves</h2><div class="plots">
            \(plots.map { "<figure>\($0.svg())</figure>" }.joined(separator: "\n"))
            </div></section>
            """
    }

    private var recipeText: String? {
        recipe.isEmpty ? nil : "<section><h2>Recipe</h2><pre>\(escaped(recipe))</pre></section>"
    }

    /// Formats a duration: 45 s, 12 min 3 s, 2 h 5 min.
    private static func duration(_ seconds: Double) -> String {
        let total = Int(min(max(seconds, 0), 1e9))
        if total < 60 { return "\(total) s" }
        if total < 3600 { return "\(total / 60) min \(total % 60) s" }
        return "\(total / 3600) h \(total % 3600 / 60) min"
    }

    private static let style = """
        :root{color-scheme:light dark;--ink:#1f2430;--soft:#667085;--line:#e3e6eb;--page:#fbfbfc;--card:#fff}
        @media (prefers-color-scheme:dark){:root{--ink:#e8eaf0;--soft:#98a0ad;--line:#2a2e37;--page:#14161b;--card:#1b1e25}}
        *{box-sizing:border-box}
        body{margin:0 auto;padding:3rem 1.5rem 5rem;max-width:70rem;background:var(--page);color:var(--ink);
        font:16px/1.6 ui-sans-serif,system-ui,"Segoe UI",sans-serif;font-variant-numeric:tabular-nums}
        h1{margin:0;font-size:2.1rem;line-height:1.2;letter-spacing:-.02em;overflow-wrap:anywhere}
        h2{margin:3rem 0 1rem;font-size:1.2rem;letter-spacing:-.01em}
        .kind{margin:0 0 .2rem;color:var(--soft)}.note{color:var(--soft);font-size:.875rem}
        .figures{display:flex;flex-wrap:wrap;gap:1rem;margin-top:2rem}
        .figures div{flex:1 1 12rem;padding:1rem 1.25rem;border:1px solid var(--line);border-radius:12px;background:var(--card)}
        .figures b{display:block;font-size:1.75rem;line-height:1.3;font-weight:650;letter-spacing:-.02em}
        .figures span{color:var(--soft);font-size:.875rem}
        img{display:block;max-width:100%;border-radius:12px}
        video{display:block;width:100%;max-width:56rem;border-radius:12px;background:#181a1f}
        .plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(26rem,100%),1fr));gap:1rem}
        figure{margin:0;padding:.75rem;border:1px solid var(--line);border-radius:12px;background:var(--card)}
        figure svg{display:block;width:100%;height:auto}
        .scroll{overflow-x:auto}
        table{border-collapse:collapse;font-size:.9rem}
        th,td{padding:.4rem 1.1rem .4rem 0;border-bottom:1px solid var(--line);text-align:right;white-space:nowrap}
        th:first-child,td:first-child{text-align:left}th{color:var(--soft);font-weight:500}
        details{margin-top:1rem}summary{cursor:pointer;color:var(--soft)}
        pre{margin:0;padding:1.25rem;overflow-x:auto;border:1px solid var(--line);border-radius:12px;background:var(--card);
        font:.85rem/1.55 ui-monospace,"SF Mono",Menlo,Consolas,monospace}
        """
}
