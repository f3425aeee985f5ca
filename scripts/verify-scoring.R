# Called by scripts/verify-scoring: FOLDER ASSAY. Fails where a figure is further off than it may be.
arguments <- commandArgs(TRUE)
folder <- arguments[1]
assay <- arguments[2]
failed <- FALSE

lines <- function(d) sprintf(
  '{"developer_id":"%s","assessor_id":"%s","role":"primary","criterion":"%s","rating":%d}',
  d$developer, d$assessor, d$criterion, d$rating)
score <- function(d, estimator) {
  paths <- file.path(folder, c("ratings", "scores", "report"))
  writeLines(lines(d), paths[1])
  status <- system2(assay, c("score", "--ratings", paths[1], "--out", paths[2], "--report", paths[3],
                             "--estimator", estimator))
  stopifnot(status == 0)
  field <- function(text, name) sub(sprintf('.*"%s": ?"?([^",}]*).*', name), "\\1", text)
  rows <- readLines(paths[2])
  text <- readLines(paths[3])
  cut <- grep('^  "(assessors|criteria|separation)"', text)
  block <- function(from, to, name, value) {
    part <- text[from:to]
    setNames(as.numeric(field(grep(sprintf('^      "%s"', value), part, value = TRUE), value)),
             field(grep(sprintf('^      "%s"', name), part, value = TRUE), name))
  }
  figure <- function(name) as.numeric(field(grep(sprintf('"%s"', name), text, value = TRUE)[1], name))
  list(theta = setNames(as.numeric(field(rows, "score")), field(rows, "developer_id")),
       se = setNames(as.numeric(field(rows, "se")), field(rows, "developer_id")),
       severity = block(cut[1], cut[2], "assessor_id", "severity"),
       difficulty = block(cut[2], cut[3], "criterion", "difficulty"),
       sigma = figure("sigma"), phi = figure("phi"), log_likelihood = figure("log_likelihood"))
}
tell <- function(what, off, most) {
  good <- off <= most
  cat(sprintf("%-72s largest difference %.5f (at most %g) %s\n", what, off, most, if (good) "ok" else "FAILED"))
  if (!good) failed <<- TRUE
}
apart <- function(a, b) max(abs((a - mean(a)) - (b[names(a)] - mean(b[names(a)]))))
draw <- function(u, taus) {
  logits <- cumsum(c(0, u - taus))
  sample(seq_along(logits) - 1, 1, prob = exp(logits - max(logits)))
}

# 1. Joint maximum likelihood. P(k) of a partial-credit rating is a log-linear model of the categories with one constant
# for each rating; glm(poisson) maximises the same likelihood.
set.seed(11)
design <- do.call(rbind, lapply(1:50, function(n) expand.grid(
  developer = sprintf("d%02d", n), assessor = sprintf("a%d", (c(n, n + 1 + n %/% 5)) %% 5), criterion = sprintf("c%d", 1:4),
  stringsAsFactors = FALSE)))
design <- unique(design)
ability <- rnorm(50)
severity <- rnorm(5, 0, 0.7)
difficulty <- c(-0.6, -0.1, 0.2, 0.5)
design$rating <- as.integer(mapply(function(n, a, c) draw(ability[n] - severity[a] - difficulty[c], c(-1.2, 0, 1.2)),
  as.integer(sub("d", "", design$developer)), as.integer(sub("a", "", design$assessor)) + 1,
  as.integer(sub("c", "", design$criterion))))
totals <- tapply(design$rating, design$developer, mean)
design <- design[design$developer %in% names(totals)[totals > 0 & totals < 3], ]
stopifnot(table(design$criterion, design$rating) > 0)
joint <- score(design, "jmle")
long <- design[rep(seq_len(nrow(design)), each = 4), ]
long$level <- rep(0:3, nrow(design))
long$y <- as.integer(long$level == long$rating)
long$each <- factor(rep(seq_len(nrow(design)), each = 4))
long$developer <- factor(long$developer)
long$assessor <- factor(long$assessor)
x <- cbind(model.matrix(~ 0 + developer, long) * long$level, -(model.matrix(~ assessor, long)[, -1]) * long$level)
for (c in unique(long$criterion)) for (k in 1:3) x <- cbind(x, -(long$criterion == c & long$level >= k))
fit <- glm(long$y ~ 0 + long$each + x, family = poisson, control = list(epsilon = 1e-10, maxit = 100))
b <- coef(fit)[-seq_len(nlevels(long$each))]
n <- nlevels(long$developer)
a <- nlevels(long$assessor)
tell("JMLE: developers against R's glm", apart(setNames(b[1:n], levels(long$developer)), joint$theta), 0.02)
tell("JMLE: severities against R's glm", apart(setNames(c(0, b[n + seq_len(a - 1)]), levels(long$assessor)), joint$severity), 0.02)
steps <- matrix(ifelse(is.na(b[-(1:(n + a - 1))]), 0, b[-(1:(n + a - 1))]), nrow = 3)
tell("JMLE: difficulties against R's glm", apart(setNames(colMeans(steps), unique(long$criterion)), joint$difficulty), 0.02)

# 2. Marginal maximum likelihood with a session effect, on two levels, where it is a logistic mixed model.
suppressMessages(library(lme4))
set.seed(12)
pool <- expand.grid(developer = sprintf("d%03d", 1:300), card = 1:2, criterion = sprintf("c%d", 1:10), stringsAsFactors = FALSE)
number <- as.integer(sub("d", "", pool$developer))
pool$assessor <- sprintf("a%d", (number * pool$card + pool$card) %% 7)
ability <- rnorm(300)
halo <- matrix(rnorm(600, 0, 0.6), 300)
severity <- rnorm(7, 0, 0.6)
pool$rating <- rbinom(nrow(pool), 1, plogis(ability[number] + halo[cbind(number, pool$card)] -
  severity[as.integer(sub("a", "", pool$assessor)) + 1] - seq(-1, 1, length.out = 10)[as.integer(sub("c", "", pool$criterion))]))
pool <- pool[!duplicated(pool[, c("developer", "assessor", "criterion")]), ]
pool$session <- paste(pool$developer, pool$assessor)
mixed <- glmer(rating ~ 0 + criterion + assessor + (1 | developer) + (1 | session), pool, family = binomial,
  control = glmerControl(optimizer = "bobyqa"))
ours <- score(pool, "bayes")
fixed <- fixef(mixed)
tell("MML: severities against lme4 (Laplace)", apart(setNames(-c(0, fixed[grep("assessor", names(fixed))]), sprintf("a%d", 0:6)), ours$severity), 0.1)
tell("MML: difficulties against lme4", apart(setNames(-fixed[1:10], sub("criterion", "", names(fixed)[1:10])), ours$difficulty), 0.1)
tell("MML: standard deviation of ability", abs(attr(VarCorr(mixed)$developer, "stddev") - ours$sigma), 0.1)
tell("MML: standard deviation of the session effect", abs(attr(VarCorr(mixed)$session, "stddev") - ours$phi), 0.15)
modes <- ranef(mixed, condVar = TRUE)$developer
tell("MML: posterior means against lme4's modes", apart(setNames(modes[, 1], rownames(modes)), ours$theta), 0.15)
