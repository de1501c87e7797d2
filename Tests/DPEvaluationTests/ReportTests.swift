import DPEvaluation
import Foundation
import Testing

@Suite("Report")
struct ReportTests {
    @Test("Only charts with data are drawn, each with its series")
    func plots() {
        #expect(LearningCurves().plots().isEmpty)
        #expect(LearningCurves(loss: [.init(x: 1, y: 1)]).plots().map(\.title) == ["Loss"])
        let plots = LearningCurves(
            loss: [.init(x: 1, y: 1), .init(x: 2, y: .nan)], validationLoss: [.init(x: 2, y: 0.5)],
            score: [.init(x: 2, y: 0.1)], learningRate: [.init(x: 2, y: 1e-4)]
        ).plots()
        #expect(plots.map(\.title) == ["Loss", "Rollouts", "Learning rate"])
        #expect(plots[0].series.map(\.name) == ["training", "validation"])
        #expect(plots[0].series[0].points.count == 2)
        #expect(plots.allSatisfy { $0.horizontalRange == 0...2 })
    }

    @Test("The page contains the figures, the video and the recipe, and makes no requests")
    func page() throws {
        let report = Report(
            title: "Push-T", recipe: "horizon:\n  action: 8",
            curves: LearningCurves(loss: [.init(x: 8000, y: 0.01)]), trainingSteps: 8000, trainingSeconds: 754,
            evaluation: result("shipped", [0.5, 1, 0.75]), video: Data([1, 2, 3]),
            keypoints: Data([4, 5, 6]))
        let html = report.html()
        for text in [
            "<h1>Push-T</h1>", "<b>0.750</b>", "<b>33\u{A0}%</b>", "1 of 3 episodes", "<b>8000</b>", "12 min 34 s",
            "horizon:\n  action: 8",
            "data:video/mp4;base64,AQID", "data:image/png;base64,BAUG", "<td>100001</td><td>1.000</td><td>yes</td>",
            "aria-label=\"Loss\"",
        ] { #expect(html.contains(text), "\(text)") }
        let addresses = html.replacing("http://www.w3.org/2000/svg", with: "")
        #expect(!addresses.contains("http:") && !addresses.contains("https:") && !addresses.contains("<script"))

        let folder = try TemporaryFolder()
        let file = folder.url.appendingPathComponent("report.html")
        try report.write(to: file)
        #expect(try String(contentsOf: file, encoding: .utf8) == html)
    }

    @Test("Malicious texts are escaped, and an empty page is valid")
    func hostile() {
        let attack = "</pre></title><script>alert(1)</script>"
        let html = Report(title: attack, recipe: attack, evaluation: result(attack, [1])).html()
        #expect(!html.contains("<script"))
        #expect(html.contains("&lt;/pre&gt;"))
        #expect(Report(title: "", recipe: "").html().hasSuffix("</html>\n"))
        let curves = LearningCurves(loss: [.init(x: 1, y: .infinity)])
        let empty = Report(title: "", recipe: "", curves: curves, trainingSteps: 1, trainingSeconds: .nan)
        #expect(empty.html().contains("no data"))
    }
}
