import Evaluation
import Foundation
import Testing

@Suite("Metrics and report")
struct ReportTests {
    @Test("Rows with absent, null and not finite values are read; an unfinished last line is passed over")
    func rows() throws {
        let rows = try read(
            """
            {"step":1,"epoch":0,"loss":1.5,"learning_rate":0.0,"gradient_norm":2,"samples_per_second":100,"elapsed_seconds":3}

            {"step":2,"loss":"NaN","validation_loss":null,"action_mse":"Infinity","score":0.5,"success_rate":0.25,"more":[1]}
            {"step":3,"lo
            """)
        #expect(rows.map(\.step) == [1, 2])
        #expect(rows[0].loss == 1.5 && rows[0].learningRate == 0 && rows[0].gradientNorm == 2 && rows[0].epoch == 0)
        #expect(rows[0].samplesPerSecond == 100 && rows[0].elapsedSeconds == 3 && rows[0].score == nil)
        #expect(rows[1].loss?.isNaN == true && rows[1].validationLoss == nil && rows[1].actionMSE == .infinity)
        #expect(rows[1].score == 0.5 && rows[1].successRate == 0.25)
        #expect(try read("").isEmpty)
    }

    @Test("A broken row is refused with file, line and key")
    func brokenRow() throws {
        let error = #expect(throws: EvaluationError.self) { try read("{\"step\":1}\n{\"step\":\"x\"}\n") }
        #expect("\(error!)".contains("metrics.jsonl, line 2: ") && "\(error!)".contains("step: is not of type Int"))
        let missing = URL(fileURLWithPath: "/nonexistent/metrics.jsonl")
        #expect(throws: EvaluationError.self) { try MetricsRow.rows(contentsOf: missing) }
    }

    @Test("Only charts with data are drawn, each with its series")
    func plots() {
        var first = MetricsRow(step: 1)
        first.loss = 1
        #expect(LearningCurves(metrics: []).plots().isEmpty)
        #expect(LearningCurves(metrics: [MetricsRow(step: 1)]).plots().isEmpty)
        #expect(LearningCurves(metrics: [first]).plots().map(\.title) == ["Loss"])
        var second = MetricsRow(step: 2)
        (second.loss, second.validationLoss, second.score, second.learningRate) = (.nan, 0.5, 0.1, 1e-4)
        let plots = LearningCurves(metrics: [first, second]).plots()
        #expect(plots.map(\.title) == ["Loss", "Rollouts", "Learning rate"])
        #expect(plots[0].series.map(\.name) == ["training", "validation"])
        #expect(plots[0].series[0].points.count == 2)
        #expect(plots.allSatisfy { $0.horizontalRange == 0...2 })
    }

    @Test("The page holds the figures, the film and the recipe, and asks for nothing from outside")
    func page() throws {
        var row = MetricsRow(step: 8000)
        (row.loss, row.elapsedSeconds) = (0.01, 754)
        let report = Report(
            title: "Push-T", recipe: "horizon:\n  action: 8", metrics: [row],
            evaluation: result("shipped", [0.5, 1, 0.75]), video: Data([1, 2, 3]))
        let html = report.html()
        for text in [
            "<h1>Push-T</h1>", "<b>0.750</b>", "<b>33\u{A0}%</b>", "1 of 3 episodes", "<b>8000</b>", "12 min 34 s",
            "horizon:\n  action: 8",
            "data:video/mp4;base64,AQID", "<td>100001</td><td>1.000</td><td>yes</td>", "aria-label=\"Loss\"",
        ] { #expect(html.contains(text), "\(text)") }
        let addresses = html.replacing("http://www.w3.org/2000/svg", with: "")
        #expect(!addresses.contains("http:") && !addresses.contains("https:") && !addresses.contains("<script"))

        let folder = try TemporaryFolder()
        let file = folder.url.appendingPathComponent("report.html")
        try report.write(to: file)
        #expect(try String(contentsOf: file, encoding: .utf8) == html)
    }

    @Test("Hostile texts stay text, and a page of nothing is a page")
    func hostile() {
        let attack = "</pre></title><script>alert(1)</script>"
        let html = Report(title: attack, recipe: attack, metrics: [], evaluation: result(attack, [1])).html()
        #expect(!html.contains("<script"))
        #expect(html.contains("&lt;/pre&gt;"))
        #expect(Report(title: "", recipe: "", metrics: []).html().hasSuffix("</html>\n"))
        var row = MetricsRow(step: 1)
        (row.loss, row.elapsedSeconds) = (.infinity, .nan)
        #expect(Report(title: "", recipe: "", metrics: [row]).html().contains("no data"))
    }

    private func read(_ text: String) throws -> [MetricsRow] {
        let folder = try TemporaryFolder()
        let file = folder.url.appendingPathComponent("metrics.jsonl")
        try Data(text.utf8).write(to: file)
        return try MetricsRow.rows(contentsOf: file)
    }
}
